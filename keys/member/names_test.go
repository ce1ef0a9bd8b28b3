package member_test

import (
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
)

// What Go refuses of a card, or of typed words, browsers refuse.
func TestCardsAgree(t *testing.T) {
	id := generate(t, "Ada")
	good := text(t, card(t, id))
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid := card(t, id).Recipients[0]
	edit := func(r string) string { return strings.Replace(good, "recipient: "+hybrid, "recipient: "+r, 1) }
	wrong := x.Recipient().String()
	if last := wrong[:61]; strings.HasSuffix(wrong, "q") {
		wrong = last + "p"
	} else {
		wrong = last + "q"
	}
	s := startScript(t, "room", "js")
	var now = time.Now().UTC().Truncate(time.Second)
	for name, c := range map[string]struct {
		recipients []string
		created    time.Time
		expires    time.Time
		name       string
		bad        bool
	}{
		"as it is":                 {recipients: []string{hybrid}},
		"X25519":                   {recipients: []string{x.Recipient().String()}},
		"both":                     {recipients: []string{hybrid, x.Recipient().String()}},
		"another name":             {recipients: []string{hybrid}, name: "ﬁona"},
		"upper case":               {recipients: []string{strings.ToUpper(x.Recipient().String())}, bad: true},
		"a wrong letter":           {recipients: []string{wrong}, bad: true},
		"ssh":                      {recipients: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"}, bad: true},
		"a plugin":                 {recipients: []string{"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"}, bad: true},
		"point zero":               {recipients: []string{"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z"}, bad: true},
		"nothing":                  {recipients: []string{"age1nonsense"}, bad: true},
		"cut":                      {recipients: []string{hybrid[:len(hybrid)-1]}, bad: true},
		"twice":                    {recipients: []string{hybrid, hybrid}, bad: true},
		"before 1970":              {recipients: []string{hybrid}, created: time.Unix(-60, 0), bad: true},
		"from before 1970 to then": {recipients: []string{hybrid}, created: time.Unix(-60, 0), expires: time.Unix(0, 0), bad: true},
		"a flag":                   {recipients: []string{hybrid}, name: "ſsh-x", bad: true},
	} {
		if c.created.IsZero() {
			c.created = now
		}
		if c.name == "" {
			c.name = "Ada"
		}
		forged := forge(t, c.name, c.created, c.expires, c.recipients)
		_, err := keys.ParseCard([]byte(forged))
		failure := s.do("card", map[string]any{"note": forged}, nil)
		if (err != nil) != c.bad || (failure != "") != c.bad {
			t.Errorf("%s: Go says %v, JavaScript %q; bad: %t", name, err, failure, c.bad)
		}
	}
	if failure := s.do("card", map[string]any{"note": edit(x.Recipient().String())}, nil); failure == "" {
		t.Error("a card whose signature does not hold is taken")
	}
	words := card(t, id).Fingerprint().String()
	zero := strings.Repeat("abandon ", 8)
	for typed, bad := range map[string]bool{
		words: false, strings.ToUpper(words): false, strings.ReplaceAll(words, "-", ", "): false,
		zero: true, "á" + words: false, strings.Replace(words, "-", "é", 1): false, words + " one": true, "": true,
	} {
		_, err := keys.ParseFingerprint(typed)
		failure := s.do("fingerprint", map[string]any{"words": typed}, nil)
		if (err != nil) != bad || (failure != "") != bad {
			t.Errorf("%q: Go says %v, JavaScript %q; bad: %t", typed, err, failure, bad)
		}
	}
}

// forge makes a card of a new key, valid or not.
func forge(t *testing.T, name string, created, expires time.Time, recipients []string) string {
	t.Helper()
	signer, vkey := rawSigner(t)
	text := "sealtape.v1/card\nname: " + name + "\ncreated: " + created.UTC().Format(time.RFC3339) + "\n"
	if !expires.IsZero() {
		text += "expires: " + expires.UTC().Format(time.RFC3339) + "\n"
	}
	text += "key: " + vkey + "\n"
	for _, r := range recipients {
		text += "recipient: " + r + "\n"
	}
	msg, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(msg)
}

// rawSigner returns a new signing key and its verifier key.
func rawSigner(t *testing.T) (note.Signer, string) {
	t.Helper()
	id := generate(t, "Eve")
	return id.Signer(), card(t, id).Key
}
