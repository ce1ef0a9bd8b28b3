package archive

import (
	"errors"
	"strings"
	"testing"
)

const testAttachment = "sealtape.v1/attachment\nrecording: " + testID + "\nkind: minutes\nfile: notes.txt\ntime: 2026-03-01T09:30:00Z\nepochs: 1 22\nsize: 5\n" +
	"sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"

func TestParseAttachment(t *testing.T) {
	t.Parallel()
	if n, err := parseAttachment(testAttachment, testID); err != nil || n.file != "notes.txt" || len(n.epochs) != 2 {
		t.Fatalf("%+v, %v", n, err)
	}
	change := func(old, new string) string { return strings.Replace(testAttachment, old, new, 1) }
	for _, bad := range []string{
		"", testAttachment + "\n", testAttachment[:len(testAttachment)-1], change("v1/attachment", "v1/grant"), change(testID, strings.Repeat("0", 26)),
		change("minutes", "movie"), change("minutes", "removal"), change("notes.txt", "a/b"), change("notes.txt", ""), change("notes.txt", " x"), change("notes.txt", "a\u202eb"),
		change("00Z", "00.5Z"), change("1 22", "22 1"), change("1 22", "1 1"), change("1 22", "01"), change("1 22", ""), change("1 22", "1  22"), change("1 22", "1000000"),
		change("size: 5", "size: 05"), change("size: 5", "size: -1"), change("size: 5", "size: 99999999"), change("2cf2", "2CF2"), change("2cf2", ""),
		change("1 22", "1"+strings.Repeat(" 2", 600)),
	} {
		if _, err := parseAttachment(bad, testID); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func FuzzOpenAttachment(f *testing.F) {
	f.Add([]byte(testAttachment + "\n\u2014 recorder AAAAAAAA\nhello"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		msg, rest, err := cutNote(plain)
		if err != nil {
			return
		}
		if len(msg)+len(rest) != len(plain) {
			t.Errorf("%d and %d bytes of %d", len(msg), len(rest), len(plain))
		}
		n, _, err := openAttachmentNote(msg, testID, nil)
		if err == nil {
			t.Errorf("accepted %q without any verifier", msg)
		}
		if errors.Is(err, ErrForeignSigner) && (n.id != testID || !ValidAttachedName(n.file) || len(n.epochs) == 0 || n.size > MaxAttached || !strings.HasPrefix(string(msg), n.String())) {
			t.Errorf("%q was parsed as %+v", msg, n)
		}
	})
}

func TestPadme(t *testing.T) {
	t.Parallel()
	for n := range 5000 {
		if p := padme(n); p < n || p > n+n/8+1 || padme(p) != p {
			t.Fatalf("padme(%d) is %d", n, p)
		}
	}
}
