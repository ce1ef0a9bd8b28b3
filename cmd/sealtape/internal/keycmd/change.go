package keycmd

import (
	"context"
	"errors"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

type approveOptions struct {
	flags.Unchecked
	outputOption
	confirmOption
	file string
}

func runApprove(ctx context.Context, e *ui.Env, o *approveOptions) error {
	card, err := readCardFile(e, o.file)
	if err != nil {
		return err
	}
	h, err := access.OpenHome()
	if err != nil {
		return err
	}
	if err := access.Unrevoked(h); err != nil {
		return err
	}
	id, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	approved, err := id.Approve(card)
	if err != nil {
		return err
	}
	if err := o.confirm(ctx, e, card, "approve"); err != nil {
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
	if _, err := o.writePublic(e, b); err != nil {
		return err
	}
	if approved.Role == keys.Recorder {
		e.Notef("Approved. Give this card back to that recorder, where \"sealtape keys add\" takes it: the approval then travels with\nwhat it records, and whoever has pinned your card knows its recordings.")
		return nil
	}
	e.Notef("Approved. Give this card, in place of the other, to whoever has pinned yours.")
	return nil
}

type rotateOptions struct{ expiryOption }

func runRotate(ctx context.Context, e *ui.Env, h *keys.Home, o *rotateOptions) error {
	card, err := h.OwnCard()
	if err != nil {
		return err
	}
	if err := o.said(card); err != nil {
		return err
	}
	revoked := errors.Is(access.OwnCounts(h), keys.ErrRevoked)
	var pass []byte
	if h.HasPassphrase() {
		if pass, err = e.Passphrase(ctx, false); err != nil {
			return err
		}
	}
	id, err := h.Rotate(pass, o.end)
	if err != nil {
		return err
	}
	if card, err = id.Card(); err != nil {
		return err
	}
	e.Printf("new keys of %s made in %s\n", ui.Clean(card.Label()), h.Dir())
	e.Printf("fingerprint: %s\n", card.Fingerprint())
	if revoked {
		e.Notef("The old key was revoked, and vouches for nothing: the others take the revocation first, and compare these\nwords with you. Next: sealtape keys card -o FILE, and give that file to them.")
		return nil
	}
	e.Notef("The old key approved the new card. Next: sealtape keys card -o FILE, and give that file to the others.")
	return nil
}

type renewOptions struct{ expiryOption }

func runRenew(ctx context.Context, e *ui.Env, h *keys.Home, o *renewOptions) error {
	if err := access.Unrevoked(h); err != nil {
		return err
	}
	card, err := h.OwnCard()
	if err != nil {
		return err
	}
	if err := o.said(card); err != nil {
		return err
	}
	id, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	if id, err = h.Renew(id, o.end); err != nil {
		return err
	}
	if card, err = id.Card(); err != nil {
		return err
	}
	e.Printf("new card of %s, expires: %s\n", ui.Clean(card.Label()), expiryText(card))
	e.Notef("Next: sealtape keys card -o FILE, and give that file to the others. The words stay the same.")
	return nil
}

type revokeOptions struct {
	outputOption
	file   string // of the card; "" for one's own
	reason string
}

func (o *revokeOptions) Check() error {
	if o.output == "" {
		return ui.Misuse("where to? -o FILE is missing; - is standard output")
	}
	return nil
}

func runRevoke(ctx context.Context, e *ui.Env, h *keys.Home, o *revokeOptions) error {
	if err := access.Unrevoked(h); err != nil && o.file != "" {
		return err // it revokes none but itself
	}
	id, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	own := true
	if o.file != "" {
		if card, err = readCardFile(e, o.file); err != nil {
			return err
		}
		own = false
	}
	r, err := id.Revoke(card, o.reason)
	if err != nil {
		return err
	}
	b, err := r.Marshal()
	if err != nil {
		return err
	}
	if err := h.CanRevoke(r); err != nil {
		// Before there is a file that revokes the card elsewhere.
		return ui.Hinted(err, "if the card is yours, it is pinned here first", "sealtape keys add "+ui.ShellWord(o.file))
	}
	if _, err := o.writePublic(e, b); err != nil {
		return err
	}
	if own {
		e.Notef("This takes back your own key, %s, wherever it is added. Here it still counts:\nkeep the file for the day you need it.", card.Fingerprint())
		return nil
	}
	if err := h.Revoke(r); err != nil {
		return err
	}
	e.Notef("The key %s does not count here any more. Give the file to whoever has pinned your cards.", card.Fingerprint())
	tellDoubted(e, h)
	return nil
}
