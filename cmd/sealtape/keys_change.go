package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/keys"
)

// expiry reads --expires: a number of days or years from now, or a date.
func expiry(c *cli.Context) (time.Time, error) {
	s := c.String("expires")
	if s == "" {
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
		return time.Time{}, usagef(c, "--expires is %q, want days (90d), years (2y) or a date (%s)", s, now.AddDate(2, 0, 0).Format(time.DateOnly))
	}
	if !t.After(now) {
		return time.Time{}, usagef(c, "--expires is %s, which is over", s)
	}
	return t, nil
}

func keysApprove(c *cli.Context) error {
	e := envOf(c)
	args, err := arguments(c, "the CARD of your other device")
	if err != nil {
		return err
	}
	card, err := e.readCard(args[0])
	if err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	if err := unrevoked(h); err != nil {
		return err
	}
	id, err := e.loadIdentity(c.Context, h)
	if err != nil {
		return err
	}
	approved, err := id.Approve(card)
	if err != nil {
		return err
	}
	if err := e.confirmCard(c, card, "approve"); err != nil {
		return err
	}
	b, err := approved.Marshal()
	if err != nil {
		return err
	}
	// One's own other device counts here, too.
	if err := h.Add(approved); err != nil {
		return err
	}
	if _, err := e.writePublic(c, b); err != nil {
		return err
	}
	e.notef("Approved. Give this card, in place of the other, to whoever has pinned yours.")
	return nil
}

func keysRotate(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	expires, err := expiry(c)
	if err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	if _, err := h.OwnCard(); err != nil {
		return err
	}
	revoked := errors.Is(ownCounts(h), keys.ErrRevoked)
	var pass []byte
	if h.HasPassphrase() {
		if pass, err = e.passphrase(c.Context, false); err != nil {
			return err
		}
	}
	id, err := h.Rotate(pass, expires)
	if err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	e.printf("new keys of %s made in %s\n", clean(card.Label()), h.Dir())
	e.printf("fingerprint: %s\n", card.Fingerprint())
	if revoked {
		e.notef("The old key was revoked, and vouches for nothing: the others take the revocation first, and compare these\nwords with you. Next: sealtape keys card -o FILE, and give that file to them.")
		return nil
	}
	e.notef("The old key approved the new card. Next: sealtape keys card -o FILE, and give that file to the others.")
	return nil
}

func keysRenew(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	expires, err := expiry(c)
	if err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	if err := unrevoked(h); err != nil {
		return err
	}
	id, err := e.loadIdentity(c.Context, h)
	if err != nil {
		return err
	}
	if id, err = h.Renew(id, expires); err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	e.printf("new card of %s, expires: %s\n", clean(card.Label()), expiryText(card))
	e.notef("Next: sealtape keys card -o FILE, and give that file to the others. The words stay the same.")
	return nil
}

func keysRevoke(c *cli.Context) error {
	e := envOf(c)
	if c.NArg() > 1 {
		return usagef(c, "one CARD at a time")
	}
	if c.String("output") == "" {
		return usagef(c, "where to? -o FILE is missing; - is standard output")
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	if err := unrevoked(h); err != nil && c.NArg() == 1 {
		return err // it revokes none but itself
	}
	id, err := e.loadIdentity(c.Context, h)
	if err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	own := true
	if c.NArg() == 1 {
		if card, err = e.readCard(c.Args().First()); err != nil {
			return err
		}
		own = false
	}
	r, err := id.Revoke(card, c.String("reason"))
	if err != nil {
		return err
	}
	b, err := r.Marshal()
	if err != nil {
		return err
	}
	if _, err := e.writePublic(c, b); err != nil {
		return err
	}
	if own {
		e.notef("This takes back your own key, %s, wherever it is added. Here it still counts:\nkeep the file for the day you need it.", card.Fingerprint())
		return nil
	}
	if err := h.Revoke(r); err != nil {
		return err
	}
	e.notef("The key %s does not count here any more. Give the file to whoever has pinned your cards.", card.Fingerprint())
	e.tellDoubted(h)
	return nil
}

func keysExport(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	var pass []byte
	if h.HasPassphrase() {
		// The file is under the same passphrase: one less to forget.
		if pass, err = e.passphrase(c.Context, false); err != nil {
			return err
		}
	}
	id, err := h.Load(func() ([]byte, error) { return pass, nil })
	if err != nil {
		return err
	}
	if pass == nil {
		if pass, err = e.passphrase(c.Context, true); err != nil {
			return err
		}
	}
	b, err := id.Export(pass, 0)
	if err != nil {
		return err
	}
	if _, err := e.writeSecret(c, b); err != nil {
		return err
	}
	e.notef("Who has this file and its passphrase is %s.", clean(id.Name()))
	return nil
}

const importHint = "FILE is what sealtape keys export -o FILE, or a web page, wrote"

func keysImport(c *cli.Context) error {
	e := envOf(c)
	args, err := arguments(c, "the FILE of an exported identity")
	if err != nil {
		return err
	}
	r := e.stdin
	if args[0] != "-" {
		f, err := os.Open(args[0])
		if errors.Is(err, fs.ErrNotExist) {
			return hinted(err, importHint)
		}
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, keys.MaxExport+1))
	if err != nil {
		return err
	}
	switch _, cerr := keys.ParseCards(b); {
	case cerr == nil:
		return hinted(fmt.Errorf("%s is a card, which is public, and no exported identity", args[0]), "sealtape keys add FILE pins it")
	case keys.IsRevocation(b):
		return hinted(fmt.Errorf("%s is a revocation, and no exported identity", args[0]), "sealtape keys add FILE takes it")
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	if !keys.IsExport(b) { // before anybody is asked for a passphrase
		return hinted(fmt.Errorf("%s is no exported identity", args[0]), importHint)
	}
	pass, err := e.passphrase(c.Context, false)
	if err != nil {
		return err
	}
	id, err := keys.ParseExport(b, pass)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if c.Bool("no-passphrase") {
		pass = nil
	}
	if err := h.Import(id, pass); err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	e.printf("identity of %s taken over to %s\n", clean(card.Label()), h.Dir())
	e.printf("fingerprint: %s\n", card.Fingerprint())
	return nil
}
