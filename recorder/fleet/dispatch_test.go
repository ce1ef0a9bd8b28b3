package fleet

import (
	"errors"
	"strings"
	"testing"
)

// A dispatch names a policy and says nothing else, however it is written.
func TestParseDispatch(t *testing.T) {
	for _, ok := range []string{`{"policy":"weekly"}`, " {\n\"policy\" : \"weekly\" } ", `{"polic\u0079":"weekly"}`} {
		if d, err := ParseDispatch(ok); err != nil || d.Policy != "weekly" {
			t.Errorf("%s: %+v, %v", ok, d, err)
		}
	}
	for _, bad := range []string{
		"", "  ", "weekly", `"weekly"`, "null", "[]", "{}", `{"policy":"weekly"`, `{"policy":1}`, `{"policy":null}`, `{"policy":["weekly"]}`,
		`{"policy":"weekly"}x`, `{"policy":"weekly"}{}`, `{"policy":"weekly","policy":"board"}`, `{"Policy":"weekly"}`, `{"POLICY":"weekly"}`,
		`{"policy":"weekly","reader":"eve-secret"}`, `{"reader":["eve-secret"],"policy":"weekly"}`, `{"policy":"weekly","store":"s3://eve-secret"}`,
		`{"policy":"../eve-secret"}`, `{"policy":"/etc/eve-secret"}`, `{"policy":"Weekly"}`, `{"policy":""}`, `{"policy":"we\u0000kly"}`, `{"policy":".weekly"}`,
		`{"policy":"` + strings.Repeat("w", maxName+1) + `"}`, `{"policy":"weekly"` + strings.Repeat(" ", MaxDispatch) + `}`,
	} {
		_, err := ParseDispatch(bad)
		if !errors.Is(err, ErrDispatch) {
			t.Errorf("%q: %v", bad, err)
		} else if strings.Contains(err.Error(), "eve-secret") {
			t.Errorf("the error repeats what was said: %v", err)
		}
	}
}

// FuzzParseDispatch: what is taken is written again as what it means, and nothing else is.
func FuzzParseDispatch(f *testing.F) {
	for _, s := range []string{`{"policy":"weekly"}`, `{"policy":"weekly","reader":"eve"}`, "", "{", `{"policy":"a"} `, `{"policy":"\ud800"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDispatch(s)
		if err != nil {
			if !errors.Is(err, ErrDispatch) || d != (Dispatch{}) {
				t.Fatalf("%+v, %v", d, err)
			}
			return
		}
		if CheckName(d.Policy) != nil || strings.Count(s, ":") != 1 {
			t.Fatalf("%q was taken as %+v", s, d)
		}
		if again, err := ParseDispatch(d.Metadata()); err != nil || again != d {
			t.Fatalf("%s: %+v, %v", d.Metadata(), again, err)
		}
	})
}

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern, room string
		want          bool
	}{
		{"weekly", "weekly", true}, {"weekly", "weekly2", false}, {"weekly", "Weekly", false}, {"board-*", "board-may", true}, {"board-*", "board-", true},
		{"board-*", "the board-may", false}, {"*", "", true}, {"*", "any thing/\n*", true}, {"?", "ö", true}, {"?", "", false}, {"?", "ab", false},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "a-c-b", false}, {"[ab]", "a", false}, {"[ab]", "[ab]", true}, {"*.example.org", "x.example.org", true},
		{"*a", "*", false}, {"a*", "a*", true}, {"**", "x", true}, {"a**b", "ab", true},
		{strings.Repeat("*a", 100), strings.Repeat("a", 1000) + "b", false},
	} {
		p, err := ParsePattern(tt.pattern)
		if err != nil || p.Matches(tt.room) != tt.want {
			t.Errorf("%q matches %q: %v, want %v (%v)", tt.pattern, tt.room, p.Matches(tt.room), tt.want, err)
		}
	}
	for _, bad := range []string{"", "\xff", strings.Repeat("x", maxPattern+1)} {
		if _, err := ParsePattern(bad); err == nil {
			t.Errorf("%q is a pattern", bad)
		}
	}
}
