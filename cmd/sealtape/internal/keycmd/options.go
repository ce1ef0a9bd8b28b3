package keycmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// An outputOption says where something goes that a command makes.
type outputOption struct{ output string }

func (o *outputOption) outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "write to `FILE`, not to standard output"}
}

// writePublic writes something public to the file of --output, or to standard
// output without one, and reports whether a file was made. A file with the same
// content may be there; nothing else is overwritten.
func (o *outputOption) writePublic(e *ui.Env, b []byte) (written bool, err error) {
	return o.write(e, b, 0o644)
}

// writeSecret does the same for its owner's eyes only.
func (o *outputOption) writeSecret(e *ui.Env, b []byte) (written bool, err error) {
	return o.write(e, b, 0o600)
}

func (o *outputOption) write(e *ui.Env, b []byte, mode fs.FileMode) (written bool, err error) {
	out := o.output
	if out == "" || out == "-" {
		e.Printf("%s", b)
		return false, nil
	}
	if old, err := os.ReadFile(out); err == nil && bytes.Equal(old, b) {
		return false, nil
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return false, ui.Hinted(fmt.Errorf("%s exists already and is something else", out), "choose another name, or remove it")
	}
	if err != nil {
		return false, err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, errors.Join(err, os.Remove(out))
	}
	return true, nil
}

// An expiryOption says when a card stops counting.
type expiryOption struct {
	expires string
	end     time.Time // what expires says, zero for never; check sets it
}

func (o *expiryOption) expiryFlag() cli.Flag {
	return &cli.StringFlag{Name: "expires", Destination: &o.expires, Usage: "the card stops counting after `TIME`: 90d, 2y or a date; or never"}
}

func (o *expiryOption) Check() (err error) {
	o.end, err = expiry(o.expires)
	return err
}

// said refuses to make a card in place of one that has an end without being told when
// the new one ends.
func (o *expiryOption) said(before keys.Card) error {
	if o.expires != "" || before.Expires.IsZero() {
		return nil
	}
	return ui.Hinted(ui.Misuse("the card that there is ends on %s: when does the new one end?", ui.Day(before.Expires)), "--expires 2y, a date, or never")
}

// expiry reads a number of days or years from now, a date, or never.
func expiry(s string) (time.Time, error) {
	if s == "" || s == "never" {
		return time.Time{}, nil
	}
	now := time.Now().UTC()
	if n, err := strconv.Atoi(s[:len(s)-1]); err == nil && n > 0 && n < 1000 {
		switch s[len(s)-1] {
		case 'd':
			return now.AddDate(0, 0, n), nil
		case 'y':
			return now.AddDate(n, 0, 0), nil
		}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, ui.Misuse("--expires is %q, want days (90d), years (2y), a date (%s) or never", s, now.AddDate(2, 0, 0).Format(time.DateOnly))
	}
	if !t.After(now) {
		return time.Time{}, ui.Misuse("--expires is %s, which is over", s)
	}
	return t, nil
}

// A confirmOption says who confirms the fingerprint of a card.
type confirmOption struct {
	fingerprint string
	yes         bool
}

func (o *confirmOption) fingerprintFlag(what string) cli.Flag {
	return &cli.StringFlag{Name: "fingerprint", Destination: &o.fingerprint, Usage: what + " only if the fingerprint is these `WORDS`"}
}

func (o *confirmOption) yesFlag(what string) cli.Flag {
	return &cli.BoolFlag{Name: "yes", Destination: &o.yes, Usage: what + " without asking"}
}

// confirm has someone confirm the card's fingerprint, for what.
func (o *confirmOption) confirm(ctx context.Context, e *ui.Env, card keys.Card, what string) error {
	name, words := ui.Clean(card.Label()), card.Fingerprint()
	switch {
	case o.yes:
		return nil
	case o.fingerprint != "":
		want, err := keys.ParseFingerprint(o.fingerprint)
		if err != nil {
			return ui.Misuse("--fingerprint: %w", err)
		}
		if !words.Equal(want) {
			return ui.ExitWith(ui.ExitUnverified, ui.Hinted(fmt.Errorf("the card of %s has another fingerprint: %s", name, words),
				"this is not the card that was meant; do not use it, and ask its owner"))
		}
		return nil
	}
	about := ""
	if card.Matrix != (keys.MatrixAccount{}) {
		about = fmt.Sprintf("In Matrix, it says, they are\n\n    %s\n\n", matrixText(card))
	}
	question := fmt.Sprintf("The card says it is of %s, and its fingerprint is\n\n    %s\n\n%sDid %s read these words to you?", name, words, about, name)
	if what == "approve" {
		question = fmt.Sprintf("The card says it is yours, of %s, and its fingerprint is\n\n    %s\n\n%sDoes that device show these words?", name, words, about)
	}
	yes, err := e.Confirm(ctx, question)
	if errors.Is(err, terminal.ErrNone) {
		return ui.Hinted(fmt.Errorf("the fingerprint must be confirmed and %w; it is %s", err, words),
			`compare it with its owner, then give it: --fingerprint "WORDS"`)
	}
	if err != nil {
		return err
	}
	if !yes && what == "approve" {
		return fmt.Errorf("the card of %s was not approved", name)
	}
	if !yes {
		return ui.Hinted(fmt.Errorf("the card of %s was not pinned", name), "ask its owner to read the fingerprint to you", "sealtape keys show")
	}
	return nil
}
