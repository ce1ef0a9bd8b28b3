package transcript

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const ms = time.Millisecond

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		format   Format
		language string
		want     []Cue
	}{
		{"webvtt", "\uFEFFWEBVTT a title\nLanguage: en-GB\n\nNOTE\nhello --> no\n\nSTYLE\n::cue{}\n\n1\n00:01.000 --> 00:02.500 align:start\n<v.loud Ada Lovelace>Good <i>morning</i>\neveryone &lt;3</v>\n\n01:00:00.000 --> 01:00:01.000\nno voice\n",
			VTT, "en-GB", []Cue{{1000 * ms, 2500 * ms, "Ada Lovelace", "Good morning\neveryone <3"}, {time.Hour, time.Hour + time.Second, "", "no voice"}}},
		{"two voices", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>One<v Bob>Two</v> three\n",
			VTT, "", []Cue{{1000 * ms, 2000 * ms, "Ada", "One"}, {1000 * ms, 2000 * ms, "Bob", "Two"}, {1000 * ms, 2000 * ms, "", "three"}}},
		{"subrip", "1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}<i>Good</i> morning\r\n\r\n2\r\n00:00:03,5 --> 00:00:04\r\nx < y\r\n",
			SRT, "", []Cue{{1000 * ms, 2000 * ms, "", "Good morning"}, {3500 * ms, 4000 * ms, "", "x < y"}}},
		{"whisper.cpp", `{"result":{"language":"de"},"transcription":[{"timestamps":{"from":"00:00:01,000","to":"00:00:02,000"},"offsets":{"from":1000,"to":2000},"text":" Guten Morgen"}]}`,
			JSON, "de", []Cue{{1000 * ms, 2000 * ms, "", "Guten Morgen"}}},
		{"whisper", `{"language":"en","segments":[{"start":1.5,"end":2,"text":"Hi"}]}`, JSON, "en", []Cue{{1500 * ms, 2000 * ms, "", "Hi"}}},
		{"out of order, backwards, controls", "WEBVTT\n\n00:05.000 --> 00:01.000\n<v A\x1b[2Jda\u202e>b\x00\u202ead</v>\n\n00:01.000 --> 00:02.000\nfirst\n",
			VTT, "", []Cue{{1000 * ms, 2000 * ms, "", "first"}, {5000 * ms, 5000 * ms, "A[2Jda", "bad"}}},
		{"empty", "", SRT, "", nil},
	} {
		got, f, err := Parse([]byte(tt.in))
		if err != nil || f != tt.format || got.Language != tt.language || !reflect.DeepEqual(got.Cues, tt.want) {
			t.Errorf("%s: %s %q %+v, %v", tt.name, f, got.Language, got.Cues, err)
		}
	}
	for name, in := range map[string]string{
		"words": "Good morning", "JSON of others": `{"text":"x"}`, "broken JSON": `{"transcription":[`, "another word": "WEBVTTX\n\n",
		"too large": strings.Repeat("x", MaxBytes+1), "too many": "WEBVTT\n\n" + strings.Repeat("0:00 --> 0:01\nx\n\n", MaxCues/2) + strings.Repeat("00:00 --> 00:01\nx\n\n", MaxCues+1),
	} {
		if _, _, err := Parse([]byte(in)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	tr := Transcript{Language: "en", Cues: []Cue{
		{1500 * ms, 3000 * ms, "Ada", "Good <morning>\n\neveryone & all -->"}, {3600 * time.Second, 3601 * time.Second, "", "{\\an8} no name"}, {3700 * time.Second, 3701 * time.Second, "<v>\nX", "x"}}}
	for f, want := range map[Format]string{
		VTT: "WEBVTT\nLanguage: en\n\n00:00:01.500 --> 00:00:03.000\n<v Ada>Good &lt;morning&gt;\neveryone &amp; all --&gt;</v>\n\n01:00:00.000 --> 01:00:01.000\n{\\an8} no name\n\n01:01:40.000 --> 01:01:41.000\n<v ‹v› X>x</v>\n",
		SRT: "1\n00:00:01,500 --> 00:00:03,000\nAda: Good ‹morning›\neveryone & all --›\n\n2\n01:00:00,000 --> 01:00:01,000\n❴∖an8❵ no name\n\n3\n01:01:40,000 --> 01:01:41,000\n‹v› X: x\n\n",
	} {
		var b bytes.Buffer
		if err := tr.Write(&b, f); err != nil || b.String() != want {
			t.Errorf("%s: %q, want %q, %v", f, b.String(), want, err)
		}
	}
	if err := tr.Write(new(bytes.Buffer), "doc"); err == nil {
		t.Error("wrote doc")
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	tr := Transcript{Cues: []Cue{{0, 10, "", "a"}, {10, 20, "", "b"}, {15, 35, "", "c"}, {30, 40, "", "d"}}}
	if got := fmt.Sprint(tr.Between(10, 30).Cues); got != fmt.Sprint([]Cue{{0, 10, "", "b"}, {5, 20, "", "c"}}) {
		t.Error(got)
	}
	if got := fmt.Sprint(tr.Between(20, 0).Cues); got != fmt.Sprint([]Cue{{0, 15, "", "c"}, {10, 20, "", "d"}}) {
		t.Error(got)
	}
}

// FuzzParse: what is read is bounded and plain, and written it is read again the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>One<v Bob>Two</v> three\n", "1\n00:00:01,000 --> 00:00:02,000\nx\n",
		`{"transcription":[{"offsets":{"from":1000,"to":2e99},"text":" x\r\ny","speaker":"A"}]}`, "WEBVTT\n\n1:1 --> 9999999:00:00.9\n&amp;lt;"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, _, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		last := time.Duration(0)
		for _, c := range tr.Cues {
			if c.From < last || c.To < c.From || c.To > maxTime || c.Text == "" || len(c.Text) > MaxText || c.Who != media.Plain(c.Who, media.MaxTitle) || c.Text != plain(c.Text) {
				t.Fatalf("%+v", c)
			}
			last = c.From
		}
		for _, format := range []Format{VTT, JSON} {
			var out bytes.Buffer
			if err := tr.Write(&out, format); err != nil {
				t.Fatal(err)
			}
			again, f, err := Parse(out.Bytes())
			want := Transcript{Language: tr.Language}
			for _, c := range tr.Cues {
				if format == VTT {
					c.Who = unmarked(c.Who)
				}
				want.Cues = append(want.Cues, c)
			}
			if err != nil || f != format || !reflect.DeepEqual(again, want) {
				t.Fatalf("%s: %+v, %v, want %+v\n%s", format, again, err, want, out.Bytes())
			}
		}
		if err := tr.Write(new(bytes.Buffer), SRT); err != nil {
			t.Fatal(err)
		}
	})
}
