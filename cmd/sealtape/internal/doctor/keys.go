package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
)

// checkKeys looks at the home: one's identity and the pinned cards. It returns
// the home, nil if there is none, and what opens recordings, if that is known.
func checkKeys(ctx context.Context, e *ui.Env, d *Diagnosis) (*keys.Home, []age.Identity) {
	const section = "keys"
	h, err := access.OpenHome()
	if err != nil {
		d.Fail(section, "folder", err, "set SEALTAPE_HOME to a folder of yours")
		return nil, nil
	}
	d.Pass(section, "folder", "%s", h.Dir())
	identities := checkIdentity(ctx, e, d, h)
	pins, err := h.Pins()
	if err != nil {
		d.Fail(section, "pinned cards", err, "sealtape keys list says more")
		return h, identities
	}
	var names, classic, dead []string
	pinned := 0
	for _, p := range pins {
		if p.Own {
			continue
		}
		pinned++
		if p.Live(time.Now()) != nil {
			dead = append(dead, ui.Clean(p.Label())+" ("+ui.Clean(access.PinState(p))+")")
			continue
		}
		names = append(names, ui.Clean(p.Name))
		if !p.PostQuantum() {
			classic = append(classic, ui.Clean(p.Name))
		}
	}
	if len(dead) == 0 {
		d.Pass(section, "pinned cards", "%d: %s", len(names), words.Few(names))
	} else {
		d.Pass(section, "pinned cards", "%d of %d count: %s", len(names), pinned, words.Few(names))
		d.Warn(section, "do not count", "nothing is sealed to them; ask their owners for the cards that they use now", "%s", words.Few(dead))
	}
	if len(classic) > 0 {
		d.Warn(section, "classic keys", "a recording that they can read is not post-quantum; ask them for a card made by sealtape keys init",
			"%s", words.Few(classic))
	}
	return h, identities
}

func checkIdentity(ctx context.Context, e *ui.Env, d *Diagnosis, h *keys.Home) []age.Identity {
	const section = "keys"
	card, err := h.OwnCard()
	if err != nil {
		d.Fail(section, "identity", err, "the card is public: put back a copy of card.txt from your backup")
		return nil
	}
	name, print := ui.Clean(card.Name), card.Fingerprint()
	if err := access.OwnCounts(h); err != nil {
		d.Fail(section, "card", fmt.Errorf("%s, %s: %w", name, print, err), "")
	} else if card.PostQuantum() {
		d.Pass(section, "card", "%s, %s", name, print)
	} else {
		d.Warn(section, "card", "what is sealed to you is not post-quantum", "%s, %s, with classic keys", name, print)
	}
	if !checkModes(d, h) {
		d.Unknown(section, "identity", "not opened while others can read it")
		return nil
	}
	if h.HasPassphrase() {
		d.Pass(section, "passphrase", "the identity is under one")
	} else {
		d.Warn(section, "passphrase", "fine for a machine that must start alone, with its disk encrypted",
			"none: who can read the folder can use the keys")
	}
	id, err := access.LoadIdentity(ctx, e, h)
	switch {
	case errors.Is(err, terminal.ErrNone):
		d.Unknown(section, "identity", "not opened: nobody is there to give the passphrase; set %s", ui.PassphraseVar)
		return nil
	case err != nil:
		d.Fail(section, "identity", err, "put back a copy of the folder from your backup")
		return nil
	}
	d.Pass(section, "identity", "opens, and belongs to the card")
	return id.AgeIdentities()
}

// checkModes reports whether only their owner may read the secrets.
func checkModes(d *Diagnosis, h *keys.Home) bool {
	if runtime.GOOS == "windows" {
		return true // it has no such bits to go by
	}
	private := true
	for _, name := range []string{"identity.age", "identity.txt", "signer.age", "signer.txt"} {
		p := filepath.Join(h.Dir(), name)
		fi, err := os.Stat(p)
		if err != nil {
			continue // which are there is for Load to say
		}
		if mode := fi.Mode().Perm(); mode&0o077 != 0 {
			private = false
			d.Fail("keys", "file modes", &keys.PermissionError{Path: p, Mode: mode, Want: 0o600}, "")
		}
	}
	if private {
		d.Pass("keys", "file modes", "only you can read your secrets")
	}
	return private
}
