package keycmd

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

type listOptions struct {
	flags.Unchecked
	flags.JSONOption
}

func runList(_ context.Context, e *ui.Env, h *keys.Home, o *listOptions) error {
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	if o.JSON {
		return e.JSON(pinList(pins))
	}
	rows := [][]string{{"NAME", "ROLE", "FINGERPRINT", "KEYS", "CREATED", "STATE"}}
	inMatrix := slices.ContainsFunc(pins, func(p keys.Pin) bool { return p.Matrix != (keys.MatrixAccount{}) })
	if inMatrix {
		rows[0] = append(rows[0], "MATRIX")
	}
	for _, p := range pins {
		name := ui.Clean(p.Label())
		if p.Own {
			name += " (you)"
		}
		row := []string{name, p.Role.String(), p.Fingerprint().String(), keyKind(p.Card), ui.Day(p.Created), ui.Clean(access.PinState(p))}
		if inMatrix {
			row = append(row, ui.Clean(cmp.Or(p.Matrix.User, "-")))
		}
		rows = append(rows, row)
	}
	if len(rows) == 1 {
		e.Notef("No cards yet. sealtape keys init --name NAME makes yours, sealtape keys add FILE pins another's.")
		return nil
	}
	return e.Table(rows)
}

// A PinJSON is a card that keys list shows. JSON.md of the command says what its fields mean.
type PinJSON struct {
	Name        string     `json:"name"`
	Device      string     `json:"device,omitempty"`
	Role        string     `json:"role"` // member or recorder
	Fingerprint string     `json:"fingerprint"`
	Key         string     `json:"key"`
	Own         bool       `json:"own"`
	PostQuantum bool       `json:"post_quantum"`
	Matrix      string     `json:"matrix,omitempty"` // user, space, ed25519: and the master key
	Created     time.Time  `json:"created"`
	Expires     *time.Time `json:"expires,omitempty"`
	Counts      bool       `json:"counts"`
	Expired     bool       `json:"expired"`
	Replaced    bool       `json:"replaced"`
	Doubted     bool       `json:"doubted"` // what approved it was revoked or unpinned
	Revoked     *time.Time `json:"revoked,omitempty"`
	Reason      string     `json:"reason,omitempty"` // of the revocation
}

func pinList(pins []keys.Pin) []PinJSON {
	list := []PinJSON{}
	now := time.Now()
	for _, p := range pins {
		j := PinJSON{Name: p.Name, Device: p.Device, Role: p.Role.String(), Fingerprint: p.Fingerprint().String(), Key: p.Key, Own: p.Own,
			PostQuantum: p.PostQuantum(), Matrix: p.Matrix.String(), Created: p.Created, Counts: p.Live(now) == nil, Expired: p.Expired(now), Replaced: p.ReplacedBy != "", Doubted: p.Doubted}
		if !p.Expires.IsZero() {
			j.Expires = &p.Expires
		}
		if p.Revoked != nil {
			j.Revoked, j.Reason = &p.Revoked.Time, p.Revoked.Reason
		}
		list = append(list, j)
	}
	return list
}

type removeOptions struct {
	flags.Unchecked
	name, device string
}

func runRemove(_ context.Context, e *ui.Env, h *keys.Home, o *removeOptions) error {
	name := o.name
	if pins, err := h.Pins(); err == nil {
		for _, p := range pins {
			if !p.Own && keys.SameName(p.Name, name) {
				name = p.Name
			}
		}
	}
	if err := h.Remove(name, o.device); err != nil {
		if own, oerr := h.OwnCard(); oerr == nil && errors.Is(err, keys.ErrNoMember) && keys.SameName(own.Name, o.name) {
			return ui.Hinted(errors.New("this is your own card, which cannot be unpinned"),
				"your identity lies in "+h.Dir()+"; moving that folder away is yours to do")
		}
		return ui.UnlikeCard(err, o.name, h)
	}
	e.Printf("removed %s\n", ui.Clean(name))
	e.Notef("Recordings made so far stay readable to them. To tell others that a key of yours is lost: sealtape keys revoke.")
	return nil
}
