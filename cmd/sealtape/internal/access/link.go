package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/fetch"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/tape"
)

// LinkHelp is what the help of commands that open links says of them.
const LinkHelp = `In place of an ID you can give a link that "sealtape link" made, in quotes for the shell: the
store is then the one in it. "-" reads the link from standard input: other users of this
machine may see command lines, and some links let whoever has them fetch the sealed
recording.`

// A linked recording is one that an invitation names.
type linked struct {
	*link.Invitation
	vkey     string        // the recorder's, as the link claims it
	verifier note.Verifier // of vkey
	told     sync.Once     // who shared it, if only the link says so
	claims   sync.Once     // who recorded it, if only the link says so
}

// words are those of the recorder's key.
func (l *linked) words() string { return keys.Card{Key: l.vkey}.Fingerprint().String() }

// ReadLink returns the link in an argument: the argument itself, or what standard input
// has for "-". ok reports whether it is one.
func ReadLink(e *ui.Env, arg string) (i *link.Invitation, ok bool, err error) {
	if arg == "-" {
		b, err := io.ReadAll(io.LimitReader(e.Stdin, 4*link.MaxLink))
		if err != nil {
			return nil, true, fmt.Errorf("reading the link from standard input: %w", err)
		}
		if arg = strings.TrimSpace(string(b)); !looksLinked(arg) {
			return nil, true, ui.Misuse("standard input has no link: it is to begin with #1&, or with the player's page before that")
		}
	}
	if !looksLinked(arg) {
		return nil, false, nil
	}
	_, invitation, _ := link.Cut(arg)
	i, err = link.Parse(invitation)
	if err != nil {
		return nil, true, ui.Hinted(ui.UsageError{Err: err}, "copy it whole, and in quotes for the shell; a messenger may have changed it: ask for it as a file")
	}
	return i, true, nil
}

// NoLink refuses a link where a command writes to the recording's store.
func NoLink(arg string) error {
	if !looksLinked(arg) && arg != "-" {
		return nil
	}
	return ui.Hinted(ui.Misuse("a link is for commands that only read the recording"), "give --store and the ID in it")
}

func looksLinked(arg string) bool {
	_, _, ok := link.Cut(arg)
	return ok && !strings.HasPrefix(arg, "sealtape:")
}

// OpenLink opens the home, and the store that an invitation names.
func OpenLink(ctx context.Context, e *ui.Env, i *link.Invitation, retry archive.RetryConfig) (*Access, error) {
	vkey, err := keys.VerifierKey(i.Recorder)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("the recorder's key in the link: %w", err)
	}
	e.WarnPlainStore(i.Store)
	var store archive.Store
	if i.Credentials != nil {
		store, err = s3.OpenLinked(i)
	} else {
		store, err = fetch.Open(ctx, i)
	}
	l := &linked{Invitation: i, vkey: vkey, verifier: v}
	if err != nil {
		return nil, l.explain(err)
	}
	a, err := OpenTo(e, archive.Retry(store, retry))
	if err != nil {
		return nil, err
	}
	a.link, a.Share = l, i.Share
	return a, nil
}

// Invitation returns what the link says that is opened, nil without one.
func (a *Access) Invitation() *link.Invitation {
	if a.link == nil {
		return nil
	}
	return a.link.Invitation
}

// claimed reports whether nothing but the link says that this key is the recorder's.
func (a *Access) claimed(key string) bool {
	if a.link == nil || key != a.link.verifier.Name() && key != a.link.vkey {
		return false
	}
	_, known := a.Who(key)
	return !known
}

// recorders are those who may have signed what is opened.
func (a *Access) recorders() note.Verifiers {
	if a.link == nil {
		return a.Recorders
	}
	if _, known := a.Who(a.link.vkey); known {
		// Of a key that is pinned it is known whether it may. And the link says who it was.
		if _, err := a.Recorders.Verifier(a.link.verifier.Name(), a.link.verifier.KeyHash()); err != nil {
			return note.VerifierList()
		}
	}
	return note.VerifierList(a.link.verifier)
}

// approvers are those whose approvals of a recorder count. A link names one recorder:
// then it is that one's approvals.
func (a *Access) approvers() note.Verifiers {
	if a.link == nil {
		return nil // the recorders
	}
	return a.Recorders
}

// granters are those whose grants count. A claimed recorder's do, too: a grant opens what
// was recorded, or nothing, whoever made it.
func (a *Access) granters() note.Verifiers {
	counting := a.Counting(a.All)
	if a.link == nil || !a.claimed(a.link.vkey) {
		return counting
	}
	return either{counting, note.VerifierList(a.link.verifier)}
}

// tellGiver tells once that a share counts because the link names it.
func (a *Access) tellGiver(ctx context.Context, t *tape.Tape) error {
	if a.link == nil || a.Share == "" {
		return nil
	}
	g, err := t.Recording().ClaimedShare(ctx)
	if g == nil {
		return err
	}
	a.link.told.Do(func() {
		a.Env.Notef("Who shared it with you is claimed: only the link says that it was %s. All that it opens is checked against the\nrecorder's signature.", ui.Clean(g.By))
	})
	return nil
}

// either are the verifiers of two lists.
type either [2]note.Verifiers

func (e either) Verifier(name string, hash uint32) (note.Verifier, error) {
	if v, err := e[0].Verifier(name, hash); err == nil {
		return v, nil
	}
	return e[1].Verifier(name, hash)
}

// tellClaimed tells once that only the link says who recorded.
func (a *Access) tellClaimed(signers []archive.Signer) {
	for _, s := range a.signersOf(signers) {
		if s.Claimed != "" {
			a.link.claims.Do(func() {
				a.Env.Notef("The recorder is claimed: only the link says that %s recorded. Compare these words with them, and pin their card.",
					s.Claimed)
			})
		}
	}
}

// explain returns the error of what a link names with what that means for its reader.
func (l *linked) explain(err error) error {
	if l == nil || err == nil {
		return err
	}
	again := ui.Hint{Why: "ask who sent the link for another one"}
	over := !l.Expires.IsZero() && time.Now().After(l.Expires)
	var back *archive.RollbackError
	var fork *archive.ForkError
	switch {
	case errors.Is(err, archive.ErrExpired), over && errors.Is(err, archive.ErrDenied):
		said := "the link has expired"
		if over {
			said += ", on " + l.Expires.Local().Format("2006-01-02 15:04")
		}
		return ui.WithHints(&saidError{fmt.Errorf("%w: %w", archive.ErrExpired, err), said}, again)
	case errors.As(err, &back) && back.Seen == l.Head():
		return ui.WithHints(&saidError{err, "the store shows an older state than the one that the link was made for"},
			ui.Hint{Why: "ask who sent the link, and who can write to the store; look for a copy"})
	case errors.As(err, &fork) && fork.Seen == l.Head():
		return ui.WithHints(&saidError{err, "that is not the recording that the link was made for"},
			ui.Hint{Why: "ask who sent the link, and who can write to the store; look for a copy"})
	case errors.Is(err, archive.ErrForeignSigner):
		return ui.WithHints(&saidError{err, "it is not signed by the recorder that the link names, or their card is no recorder's"},
			ui.Hint{Why: "ask who sent the link; if you know who recorded, pin their card", Run: []string{"sealtape keys add --recorder FILE"}})
	case errors.Is(err, archive.ErrDenied), errors.Is(err, archive.ErrNotFound), errors.Is(err, archive.ErrNoStore):
		return ui.WithHints(&saidError{err, "the store does not give it to who has this link, or does not have it"}, again)
	case errors.Is(err, archive.ErrNotListed):
		return ui.WithHints(err, ui.Hint{Why: "ask who shared it with you for a link that names the share", Run: []string{"sealtape share ID --to NAME --link"}})
	}
	return err
}
