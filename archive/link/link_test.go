package link

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealtape/sealtape/archive"
)

// examples are shared with the page: see playback/web/pagetest/link.test.mjs.
func examples(t testing.TB) (e struct {
	Accepted []struct {
		Name, Link string
		Fields     map[string]any
	}
	Refused []struct{ Name, Link, Refused string }
}) {
	b, err := os.ReadFile("testdata/links.json")
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Accepted) < 15 || len(e.Refused) < 100 {
		t.Fatalf("%d and %d examples only", len(e.Accepted), len(e.Refused))
	}
	return e
}

// fields are those of an invitation that are not zero, as in the examples.
func fields(i *Invitation) map[string]any {
	bytes := base64.RawURLEncoding.EncodeToString
	all := map[string]any{
		"store": i.Store, "recording": i.Recording, "recorder": bytes(i.Recorder), "size": float64(i.Size), "root": bytes(i.Root[:]),
		"from": i.From.Seconds(), "to": i.To.Seconds(), "share": i.Share, "query": i.Query,
	}
	if !i.Expires.IsZero() {
		all["expires"] = float64(i.Expires.Unix())
	}
	if c := i.Credentials; c != nil {
		all["credentials"] = map[string]any{"hostStyle": c.HostStyle, "region": c.Region, "accessKey": c.AccessKey, "secretKey": c.SecretKey, "token": c.Token}
	}
	if p := i.Presigned; p != nil {
		all["presigned"] = map[string]any{"key": p.Key, "share": p.Share, "query": p.Query}
	}
	if i.Meeting != nil {
		parts := make([]any, len(i.Meeting))
		for n, p := range i.Meeting {
			if p.Recording == "" {
				continue
			}
			part := map[string]any{"recording": p.Recording, "size": float64(p.Size), "root": bytes(p.Root[:])}
			if p.Recorder != nil {
				part["recorder"] = bytes(p.Recorder)
			}
			if p.Share != "" {
				part["share"] = p.Share
			}
			parts[n] = part
		}
		all["meeting"] = parts
	}
	for name, v := range all {
		if v == "" || v == 0.0 {
			delete(all, name)
		}
	}
	return all
}

func TestParse(t *testing.T) {
	e := examples(t)
	for _, tt := range e.Accepted {
		i, err := Parse(tt.Link)
		if err != nil {
			t.Errorf("%s: %v", tt.Name, err)
			continue
		}
		if got := fields(i); !reflect.DeepEqual(got, tt.Fields) {
			t.Errorf("%s: got %v, want %v", tt.Name, got, tt.Fields)
		}
		if i.String() != tt.Link || i.Check() != nil {
			t.Errorf("%s: written as %s", tt.Name, i)
		}
	}
	for _, tt := range e.Refused {
		_, err := Parse(tt.Link)
		var refused *RefusedError
		if want := "not a link to a recording: " + tt.Refused; !errors.As(err, &refused) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", tt.Name, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	good := func() *Invitation {
		return &Invitation{Store: "https://s3.example.org/b", Recording: archive.NewID(), Recorder: make([]byte, 32), Size: 1, Root: tlog.Hash{1}}
	}
	if err := good().Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Invitation){
		"no store":       func(i *Invitation) { i.Store = "" },
		"a short key":    func(i *Invitation) { i.Recorder = i.Recorder[1:] },
		"no size":        func(i *Invitation) { i.Size = 0 },
		"backwards":      func(i *Invitation) { i.From, i.To = 2*time.Second, time.Second },
		"an odd moment":  func(i *Invitation) { i.From = time.Nanosecond },
		"two ways":       func(i *Invitation) { i.Query, i.Presigned = "a", &Presigned{Share: archive.NewID(), Query: "b"} },
		"an end of none": func(i *Invitation) { i.Expires = time.Unix(1, 0) },
		"a colon": func(i *Invitation) {
			i.Credentials = &Credentials{Region: "x", AccessKey: "a:b", SecretKey: "c", Token: "d"}
		},
	} {
		i := good()
		spoil(i)
		if i.Check() == nil {
			t.Errorf("%s: written as %s", name, i)
		}
	}
}

// TestParts: a meeting of many recordings is one link, as long as that is no longer than a link.
func TestParts(t *testing.T) {
	of := func(n int) *Invitation {
		i := &Invitation{Store: "https://s3.example.org/b", Recording: archive.NewID(), Recorder: make([]byte, 32), Size: 1, Root: tlog.Hash{1}, Meeting: make([]Part, 1)}
		for range n - 1 {
			i.Meeting = append(i.Meeting, Part{Recording: archive.NewID(), Size: 9, Root: tlog.Hash{2}})
		}
		return i
	}
	for n, want := range map[int]bool{2: true, MaxParts: true, MaxParts + 1: false} {
		i := of(n)
		if err := i.Check(); (err == nil) != want {
			t.Errorf("%d recordings in %d bytes: %v", n, len(i.String()), err)
		}
	}
	i := of(MaxParts)
	for n := range i.Meeting {
		j := i.Part(n)
		if err := j.Check(); err != nil || n > 0 && (j.Recording != i.Meeting[n].Recording || j.Part(0).String() != i.String()) {
			t.Errorf("part %d: %v, %v", n, j, err)
		}
	}
	if i.Part(-1) != i || i.Part(MaxParts) != i {
		t.Error("there is a part that is none")
	}
}

func TestCut(t *testing.T) {
	for link, want := range map[string][2]string{
		"https://meet.example.org/tapes/#1&s=x":      {"https://meet.example.org/tapes/", "1&s=x"},
		"#1&s=x":                                     {"", "1&s=x"},
		"file:///home/ada/sealtape-player.html#12&x": {"file:///home/ada/sealtape-player.html", "12&x"},
		"sealtape:01JD#t=754":                        {},
		"1&s=x":                                      {},
		"01JD":                                       {},
		"#&s=x":                                      {},
	} {
		page, invitation, ok := Cut(link)
		if !ok {
			page, invitation = "", ""
		}
		if got := [2]string{page, invitation}; got != want {
			t.Errorf("%s: got %q, want %q", link, got, want)
		}
	}
}

// FuzzParse: what is accepted has one form, and names no place but below the store.
func FuzzParse(f *testing.F) {
	e := examples(f)
	for _, tt := range e.Accepted {
		f.Add(tt.Link)
	}
	for _, tt := range e.Refused {
		f.Add(tt.Link)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := Parse(s)
		if err != nil {
			return
		}
		if i.String() != s || i.Check() != nil {
			t.Errorf("%q is written as %q", s, i)
		}
		for n := range i.Meeting {
			p := i.Part(n)
			if err := p.Check(); err != nil {
				t.Errorf("%q leads to %q: %v", s, p, err)
			}
			back := slices.IndexFunc(p.Meeting, func(b Part) bool { return b.Recording == i.Recording })
			if again := p.Part(back); back >= 0 && i.From == 0 && i.To == 0 && again.String() != s {
				t.Errorf("%q is %q by another part", s, again)
			}
		}
		h := i.Head()
		if again, err := archive.ParseHead(h.String()); err != nil || again != h {
			t.Errorf("%q tells of the head %q: %v", s, h, err)
		}
		url := i.URL(i.Recording + "/head")
		if !strings.HasPrefix(url, "http") || strings.ContainsAny(url, "?# \n\\@") || bytes.Contains([]byte(url), []byte("/../")) {
			t.Errorf("%q names %q", s, url)
		}
	})
}
