package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive/internal/durable"
)

// Admit lets one more reader into the current epoch, as a whole, by a grant of
// the recorder: one object beside those of the recording, written to the disk
// when Admit returns, for [CopyShares] to take to a store. to is the verifier
// key on the reader's card, recipients are the keys on it, all post-quantum.
//
// It needs a Config with KeepSecret. The error wraps ErrNoEpoch if no epoch is
// current or its secret was not kept, and ErrClassic if a recipient is not
// post-quantum.
func (w *Writer) Admit(to string, recipients []age.Recipient) (Grant, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g, err := w.admitLocked(to, recipients)
	if err != nil {
		return Grant{}, fmt.Errorf("could not admit a reader: %w", err)
	}
	w.config.Log.Info("reader admitted", "id", w.id, "epoch", w.epoch)
	return g, nil
}

func (w *Writer) admitLocked(to string, recipients []age.Recipient) (Grant, error) {
	if w.lock == nil {
		return Grant{}, fs.ErrClosed
	}
	if w.secret == nil {
		return Grant{}, ErrNoEpoch
	}
	n := grantNote{id: w.id, to: to, time: time.Now().UTC().Truncate(time.Second), epochs: []grantedEpoch{{w.epoch, w.secret}}}
	if _, err := parseGrant(n.String(), w.id); err != nil {
		return Grant{}, err
	}
	msg, err := note.Sign(&note.Note{Text: n.String()}, w.config.Signer)
	if err != nil {
		return Grant{}, fmt.Errorf("could not sign the grant: %w", err)
	}
	sealed, err := sealShare(msg, recipients)
	if err != nil {
		return Grant{}, err
	}
	if err := os.Mkdir(filepath.Join(w.dir, sharesFolder), 0o700); err == nil {
		err = durable.SyncDir(w.dir)
		if err != nil {
			return Grant{}, err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return Grant{}, err
	}
	g := n.grant(sharesFolder + NewID() + ageSuffix)
	g.By = w.config.Signer.Name()
	if err := durable.WriteFile(filepath.Join(w.dir, filepath.FromSlash(g.Name)), sealed); err != nil {
		return Grant{}, err
	}
	return g, nil
}
