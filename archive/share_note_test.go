package archive

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const (
	testSecret = "AGE-SECRET-KEY-PQ-1A0C5RR6GGDET0XDWHQJA0DXYA8TNFWLL5SAELR9EAQZ0SRZFMG5QAK200H"
	testTo     = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
	testGrant  = "sealtape.v1/grant\nrecording: " + testID + "\nto: " + testTo + "\ntime: 2026-03-01T09:30:00Z\n"
)

func FuzzOpenGrant(f *testing.F) {
	f.Add([]byte(testGrant + "epoch: 1 X\n\n— recorder AAAAAAAA\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		n, _, err := openGrant(msg, testID, nil)
		if err == nil {
			t.Errorf("accepted %q without any verifier", msg)
		}
		if errors.Is(err, ErrForeignSigner) && (n.id != testID || len(n.epochs) == 0 || !strings.HasPrefix(string(msg), n.String())) {
			t.Errorf("%q was parsed as %+v", msg, n)
		}
	})
}

func FuzzParseGrant(f *testing.F) {
	f.Add(testGrant)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseGrant(text, testID)
		if err != nil {
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error shows a part of what was parsed: %v", err)
			}
			return
		}
		if n.String() != text {
			t.Errorf("%q was parsed as %q", text, n)
		}
		if n.id != testID || len(n.epochs) == 0 || len(n.epochs) > maxGrantEpochs {
			t.Errorf("accepted %+v", n)
		}
		last := 0
		for _, e := range n.epochs {
			if e.number <= last || e.number > maxNumber || e.secret == nil {
				t.Errorf("accepted epoch %d after %d", e.number, last)
			}
			last = e.number
		}
	})
}

func TestParseGrant(t *testing.T) {
	t.Parallel()
	text := testGrant + "epoch: 1 " + testSecret + "\nepoch: 999999 " + testSecret + "\n"
	if n, err := parseGrant(text, testID); err != nil || len(n.epochs) != 2 {
		t.Fatalf("%+v, %v", n, err)
	}
	for _, bad := range []string{
		"", text + "\n", text[:len(text)-1], strings.Replace(text, testID, strings.Repeat("0", 26), 1),
		strings.ReplaceAll(text, "\n", "\r\n"), strings.Replace(text, "epoch: 1 ", "epoch: 01 ", 1),
		strings.Replace(text, "epoch: 1 ", "epoch: 0 ", 1), strings.Replace(text, "999999", "1000000", 1),
		strings.Replace(text, "999999", "1", 1), strings.Replace(text, "00Z", "00.5Z", 1),
		strings.Replace(text, "00Z", "00+00:00", 1), strings.Replace(text, "to: ", "to:", 1),
		strings.Replace(text, testSecret, testSecret[:len(testSecret)-1]+"Q", 1),
	} {
		if _, err := parseGrant(bad, testID); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
	// As many epochs as may be are a note that can be read, and one more is none.
	n := grantNote{id: testID, to: testTo}
	n.time = n.time.AddDate(2025, 0, 0)
	first, _ := parseGrantedEpoch("epoch: 1 " + testSecret)
	for i := range maxGrantEpochs {
		n.epochs = append(n.epochs, grantedEpoch{maxNumber - maxGrantEpochs + i, first.secret})
	}
	signer, verifier := testKey(t, "ada")
	msg, err := note.Sign(&note.Note{Text: n.String()}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if len(msg) > maxShare/2 {
		t.Errorf("a grant of %d bytes", len(msg))
	}
	if got, by, err := openGrant(msg, testID, note.VerifierList(verifier)); err != nil || by != "ada" || len(got.epochs) != maxGrantEpochs {
		t.Errorf("%d epochs by %q, %v", len(got.epochs), by, err)
	}
	n.epochs = append(n.epochs, grantedEpoch{maxNumber, first.secret})
	if _, err := parseGrant(n.String(), testID); err == nil {
		t.Error("accepted too many epochs")
	}
}
