package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/keys"
)

// checkKeys looks at the home: one's identity and the pinned cards. It returns
// the home, nil if there is none, and what opens recordings, if that is known.
func (e *env) checkKeys(ctx context.Context, d *diagnosis) (*keys.Home, []age.Identity) {
	const section = "keys"
	h, err := e.openHome()
	if err != nil {
		d.fail(section, "folder", err, "set SEALTAPE_HOME to a folder of yours")
		return nil, nil
	}
	d.ok(section, "folder", "%s", h.Dir())
	identities := e.checkIdentity(ctx, d, h)
	pins, err := h.Pins()
	if err != nil {
		d.fail(section, "pinned cards", err, "sealtape keys list says more")
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
			dead = append(dead, clean(p.Label())+" ("+clean(pinState(p))+")")
			continue
		}
		names = append(names, clean(p.Name))
		if !p.PostQuantum() {
			classic = append(classic, clean(p.Name))
		}
	}
	if len(dead) == 0 {
		d.ok(section, "pinned cards", "%d: %s", len(names), few(names))
	} else {
		d.ok(section, "pinned cards", "%d of %d count: %s", len(names), pinned, few(names))
		d.warn(section, "do not count", "nothing is sealed to them; ask their owners for the cards that they use now", "%s", few(dead))
	}
	if len(classic) > 0 {
		d.warn(section, "classic keys", "a recording that they can read is not post-quantum; ask them for a card made by sealtape keys init",
			"%s", few(classic))
	}
	return h, identities
}

func (e *env) checkIdentity(ctx context.Context, d *diagnosis, h *keys.Home) []age.Identity {
	const section = "keys"
	card, err := h.OwnCard()
	if err != nil {
		d.fail(section, "identity", err, "the card is public: put back a copy of card.txt from your backup")
		return nil
	}
	name, words := clean(card.Name), card.Fingerprint()
	if err := ownCounts(h); err != nil {
		d.fail(section, "card", fmt.Errorf("%s, %s: %w", name, words, err), "")
	} else if card.PostQuantum() {
		d.ok(section, "card", "%s, %s", name, words)
	} else {
		d.warn(section, "card", "what is sealed to you is not post-quantum", "%s, %s, with classic keys", name, words)
	}
	if !checkModes(d, h) {
		d.unknown(section, "identity", "not opened while others can read it")
		return nil
	}
	if h.HasPassphrase() {
		d.ok(section, "passphrase", "the identity is under one")
	} else {
		d.warn(section, "passphrase", "fine for a machine that must start alone, with its disk encrypted",
			"none: who can read the folder can use the keys")
	}
	id, err := e.loadIdentity(ctx, h)
	switch {
	case errors.Is(err, errNoTerminal):
		d.unknown(section, "identity", "not opened: nobody is there to give the passphrase; set %s", passphraseVar)
		return nil
	case err != nil:
		d.fail(section, "identity", err, "put back a copy of the folder from your backup")
		return nil
	}
	d.ok(section, "identity", "opens, and belongs to the card")
	return id.AgeIdentities()
}

// checkModes reports whether only their owner may read the secrets.
func checkModes(d *diagnosis, h *keys.Home) bool {
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
			d.fail("keys", "file modes", &keys.PermissionError{Path: p, Mode: mode, Want: 0o600}, "")
		}
	}
	if private {
		d.ok("keys", "file modes", "only you can read your secrets")
	}
	return private
}

// minSpace is below what free space is worth a warning. An hour of a meeting
// with a few cameras takes about as much.
const minSpace = 1 << 30

// checkSpool looks at the folder of recordings on their way to a store.
func checkSpool(ctx context.Context, d *diagnosis, path string) {
	const section = "spool"
	if err := tryWriting(path); err != nil {
		d.fail(section, "writable", err, "check its owner and mode, and whether the disk is full")
	} else {
		d.ok(section, "writable", "%s", path)
	}
	checkSpace(d, section, path)
	waiting, busy, err := leftovers(ctx, path)
	switch {
	case err != nil:
		d.fail(section, "leftovers", err, "check the owners and modes of what is in "+path)
	case len(waiting) > 0:
		d.warn(section, "leftovers", "sealtape recover --store STORE finishes and uploads those that are for STORE", "waiting for recover: %s", few(waiting))
	case busy > 0:
		d.ok(section, "leftovers", "none; %s under way", count(busy, "recording"))
	default:
		d.ok(section, "leftovers", "none")
	}
	if files, err := os.ReadDir(filepath.Join(path, "quarantine")); err == nil && len(files) > 0 {
		d.warn(section, "quarantine", "look at them, and remove them once they are of no use",
			"%s damaged on this disk: %s", count(len(files), "recording"), filepath.Join(path, "quarantine"))
	}
}

// tryWriting writes a file into the folder, and removes it.
func tryWriting(path string) (err error) {
	f, err := os.CreateTemp(path, ".tmp-doctor-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(make([]byte, 4096))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func checkSpace(d *diagnosis, section, path string) {
	free, err := freeSpace(path)
	if err != nil {
		d.unknown(section, "free space", "%v", err)
		return
	}
	spaceFinding(d, section, free)
}

func spaceFinding(d *diagnosis, section string, free int64) {
	if free < minSpace {
		d.warn(section, "free space", "make room: a recording pauses when there is none", "%s, about an hour or less of a meeting", size(free))
		return
	}
	d.ok(section, "free space", "%s", size(free))
}

// leftovers returns the recordings in the spool that nobody works on, and how
// many others there are. Those that are kept on purpose are neither.
func leftovers(ctx context.Context, path string) (waiting []string, busy int, err error) {
	spool, err := dir.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the spool: %w", err)
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	for id, err := range archive.IDs(ctx, spool) {
		if err != nil {
			return nil, 0, fmt.Errorf("reading the spool: %w", err)
		}
		held, err := archive.HoldSpooled(path, id)
		switch {
		case errors.Is(err, archive.ErrBusy):
			busy++
			continue
		case errors.Is(err, fs.ErrNotExist):
			continue // it was removed since
		case err != nil:
			return nil, 0, err
		}
		kept, err := held.Kept()
		store, serr := held.Store()
		if err := errors.Join(err, serr, held.Close()); err != nil {
			return nil, 0, err
		}
		if !kept {
			waiting = append(waiting, id+" for "+cmp.Or(clean(store), "a store that is not noted"))
		}
	}
	return waiting, busy, nil
}
