package words

import (
	"strings"
	"testing"
	"unicode"
)

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"Zoë 陈": "Zoë 陈", "a\nb": "a b", "\x1b[2J": `\u{1b}[2J`, "\xff": "\uFFFD", "a\x00\r": `a\u{0}\u{d}`,
		// Emoji of several, with a skin and as a picture; flags.
		"👩\u200d👩\u200d👧": "👩\u200d👩\u200d👧", "👩🏽\u200d🚀": "👩🏽\u200d🚀", "❤️\u200d🔥": "❤️\u200d🔥", "🏳️\u200d🌈 🇩🇪 1️⃣": "🏳️\u200d🌈 🇩🇪 1️⃣",
		"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f!": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f!",
		// Persian, Hindi, Bengali, Sinhala.
		"می\u200cخواهم": "می\u200cخواهم", "क्\u200dष क्\u200cष": "क्\u200dष क्\u200cष", "র্\u200dয": "র্\u200dয", "ක්\u200dර": "ක්\u200dර",
		// Joiners that nobody sees.
		"Ada\u200d": `Ada\u{200d}`, "\u200dAda": `\u{200d}Ada`, "A\u200dda": `A\u{200d}da`, "A\u200cda": `A\u{200c}da`,
		"می\u200c\u200cخ": `می\u{200c}\u{200c}خ`, "👩\u200d": `👩\u{200d}`, "👩\u200d\u200d👧": `👩\u{200d}\u{200d}👧`, "👩\u200da": `👩\u{200d}a`,
		"a\u200d\u0301": `a\u{200d}` + "\u0301", "م\u200ca": `م\u{200c}a`, "👩\u200c👧": `👩\u{200c}👧`,
		// Tags without a flag, without an end, and too many.
		"a\U000e0067\U000e007f": `a\u{e0067}\u{e007f}`, "🏴\U000e0067": `🏴\u{e0067}`, "🏴\U000e007f": `🏴\u{e007f}`,
		"🏴" + strings.Repeat("\U000e0067", 7) + "\U000e007f": "🏴" + strings.Repeat(`\u{e0067}`, 7) + `\u{e007f}`,
		// What turns text around, hides in it or looks like a space.
		"a\u202eb": `a\u{202e}b`, "\u2066a\u2069": `\u{2066}a\u{2069}`, "\u200ea\u200f\u061c": `\u{200e}a\u{200f}\u{61c}`,
		"a\u00adb\ufeff\u200b\u2028": `a\u{ad}b\u{feff}\u{200b}\u{2028}`, "\u009b2J": `\u{9b}2J`, "\u00a0": `\u{a0}`, "\ue000": `\u{e000}`,
	} {
		if got := Clean(s); got != want {
			t.Errorf("Clean(%+q) = %+q, want %+q", s, got, want)
		}
	}
	if got, want := Quote("a\u202e\"👩\u200d🚀"), `"a\u{202e}\"👩`+"\u200d"+`🚀"`; got != want {
		t.Errorf("Quote: %+q, want %+q", got, want)
	}
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "Ada": 3, "陈": 2, "Zoe\u0308": 3, "👩\u200d👩\u200d👧": 2, "👩🏽\u200d🚀x": 3, "می\u200cخواهم": 7, "🇩🇪": 2, "…": 1, "ﬁ": 1, "ＡＢ": 4,
	} {
		if got := Width(s); got != want {
			t.Errorf("Width(%+q) = %d, want %d", s, got, want)
		}
	}
	for _, tt := range []struct {
		s     string
		width int
		want  string
	}{
		{"Standup", 7, "Standup"}, {"Standup", 6, "Stand…"}, {"Board meeting", 7, "Board…"}, {"陈陈陈", 4, "陈…"}, {"陈陈陈", 5, "陈陈…"},
		{"a👩\u200d👩\u200d👧b", 3, "a…"}, {"a👩\u200d👩\u200d👧bc", 4, "a👩\u200d👩\u200d👧…"}, {"Standup", 1, "…"},
	} {
		if got := Shorten(tt.s, tt.width); got != tt.want || Width(got) > tt.width {
			t.Errorf("Shorten(%q, %d) = %q, want %q", tt.s, tt.width, got, tt.want)
		}
	}
}

// What is shown does nothing to a terminal, and stays so if it is shown again.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"Ada", "\x1b]0;x\a", "👩\u200d👩\u200d👧\u200d", "می\u200cخواهم\u200c", "🏴\U000e0067\U000e007f", "\u202e\xff", "a\u200d\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		for _, r := range got {
			if !unicode.IsPrint(r) && r != zwj && r != zwnj && (r < firstTag || r > endTag) {
				t.Fatalf("%+q: %U in %+q", s, r, got)
			}
		}
		if again := Clean(got); again != got {
			t.Fatalf("%+q: %+q, and then %+q", s, got, again)
		}
		if short := Shorten(got, 10); Width(short) > 10 {
			t.Fatalf("%+q: %+q takes %d", s, short, Width(short))
		}
	})
}
