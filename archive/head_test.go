package archive

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const testID = "0123456789ABCDEFGHJKMNPQRM"

const testHead = "sealtape.v1/" + testID + "\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nstate: open\n"

func TestParseHead(t *testing.T) {
	h, err := ParseHead(testHead)
	if err != nil {
		t.Fatal(err)
	}
	want := Head{ID: testID, Size: 7, State: StateOpen}
	for i := range want.Root {
		want.Root[i] = byte(i)
	}
	if h != want {
		t.Errorf("got %+v, want %+v", h, want)
	}
	for _, state := range []State{StateOpen, StateClosed, StateCut} {
		h.State = state
		if got, err := ParseHead(h.String()); err != nil || got != h {
			t.Errorf("%s: %+v, %v", state, got, err)
		}
	}
}

func TestParseHeadRefuses(t *testing.T) {
	for _, r := range [][2]string{
		{"sealtape.v1/", "sealtape.v2/"},
		{"sealtape.v1/", "sealtape.v1//"},
		{testID, "0"},
		{testID, strings.ToLower(testID)},
		{"\n7\n", "\n0\n"}, {"\n7\n", "\n-1\n"}, {"\n7\n", "\n+7\n"}, {"\n7\n", "\n07\n"}, {"\n7\n", "\n7 \n"},
		{"\n7\n", "\n1048577\n"}, {"\n7\n", "\n99999999999999999999\n"}, {"\n7\n", "\n\n7\n"},
		{"AAEC", "AAE"}, {"Hh8=", "Hh8"}, {"Hh8=", "Hh9="}, {"AAEC", "AAEC\r"}, {"AAEC", "*AEC"},
		{"open", "Open"}, {"open", "shut"}, {"open", ""}, {"state: open", "open"}, {"state: ", "state:"},
		{"open\n", "open"}, {"open\n", "open\nmore\n"}, {"open\n", "open\n\n"}, {"open\n", "open \n"},
	} {
		text := strings.Replace(testHead, r[0], r[1], 1)
		if text == testHead {
			t.Fatalf("replacing %q changed nothing", r[0])
		}
		if h, err := ParseHead(text); err == nil {
			t.Errorf("accepted %q as %+v", text, h)
		}
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add(testHead)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHead(text)
		if err != nil {
			return
		}
		if h.String() != text {
			t.Errorf("%q was parsed as %q", text, h)
		}
		if ValidID(h.ID) != nil || h.Size < 1 || h.Size > MaxObjects {
			t.Errorf("accepted %+v", h)
		}
	})
}

func testKey(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func TestOpenHead(t *testing.T) {
	signer, verifier := testKey(t, "recorder")
	witness, _ := testKey(t, "witness")
	h := Head{ID: testID, Size: 7, Root: tlog.RecordHash(nil), State: StateClosed}
	msg, err := signHead(h, signer)
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := note.Sign(&note.Note{Text: h.String()}, witness, signer)
	if err != nil {
		t.Fatal(err)
	}
	known := note.VerifierList(verifier)
	for name, m := range map[string][]byte{"one signature": msg, "two": cosigned} {
		got, by, err := openHead(m, testID, known)
		if err != nil || got != h || len(by) != 1 || by[0] != "recorder" {
			t.Errorf("%s: %+v by %q, %v", name, got, by, err)
		}
	}

	// Another key of the same name is another signer.
	_, namesake := testKey(t, "recorder")
	for name, v := range map[string]note.Verifiers{"nobody": nil, "namesake": note.VerifierList(namesake)} {
		if got, by, err := openHead(msg, testID, v); !errors.Is(err, ErrForeignSigner) || got != h || by != nil {
			t.Errorf("%s: %+v by %q, %v, want ErrForeignSigner", name, got, by, err)
		}
	}
	if _, _, err := openHead(msg, strings.Repeat("0", 26), known); err == nil {
		t.Error("accepted the head of another recording")
	}
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		if got, _, err := openHead(bad, testID, known); err == nil {
			t.Fatalf("accepted a head with byte %d flipped: %+v", i, got)
		}
	}
	for n := range msg {
		if _, _, err := openHead(msg[:n], testID, known); err == nil {
			t.Fatalf("accepted the first %d bytes of a head", n)
		}
	}
}

func FuzzOpenHead(f *testing.F) {
	f.Add([]byte(testHead + "\n— recorder AAAAAAAA\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		h, _, err := openHead(msg, testID, nil)
		if err == nil {
			t.Errorf("accepted %q without any verifier", msg)
		}
		if errors.Is(err, ErrForeignSigner) && (h.ID != testID || !strings.HasPrefix(string(msg), h.String())) {
			t.Errorf("%q was parsed as %+v", msg, h)
		}
	})
}
