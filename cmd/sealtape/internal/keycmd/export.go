package keycmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

type exportOptions struct {
	flags.Unchecked
	outputOption
}

func runExport(ctx context.Context, e *ui.Env, h *keys.Home, o *exportOptions) error {
	var pass []byte
	var err error
	if h.HasPassphrase() {
		// The file is under the same passphrase: one less to forget.
		if pass, err = e.Passphrase(ctx, false); err != nil {
			return err
		}
	}
	id, err := h.Load(func() ([]byte, error) { return pass, nil })
	if err != nil {
		return err
	}
	if pass == nil {
		if pass, err = e.Passphrase(ctx, true); err != nil {
			return err
		}
	}
	b, err := id.Export(pass, e.ScryptWork)
	if err != nil {
		return err
	}
	if _, err := o.writeSecret(e, b); err != nil {
		return err
	}
	e.Notef("Who has this file and its passphrase is %s.", ui.Clean(id.Name()))
	return nil
}

const importHint = "FILE is what sealtape keys export -o FILE, or a web page, wrote"

type importOptions struct {
	flags.Unchecked
	file         string
	noPassphrase bool
}

func runImport(ctx context.Context, e *ui.Env, o *importOptions) error {
	r := e.Stdin
	if o.file != "-" {
		f, err := os.Open(o.file)
		if errors.Is(err, fs.ErrNotExist) {
			return ui.Hinted(err, importHint)
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
		return ui.Hinted(fmt.Errorf("%s is a card, which is public, and no exported identity", o.file), "pin it", "sealtape keys add "+ui.ShellWord(o.file))
	case keys.IsRevocation(b):
		return ui.Hinted(fmt.Errorf("%s is a revocation, and no exported identity", o.file), "take it", "sealtape keys add "+ui.ShellWord(o.file))
	}
	h, err := access.OpenHomeOf(e)
	if err != nil {
		return err
	}
	if !keys.IsExport(b) { // before anybody is asked for a passphrase
		return ui.Hinted(fmt.Errorf("%s is no exported identity", o.file), importHint)
	}
	pass, err := e.Passphrase(ctx, false)
	if err != nil {
		return err
	}
	id, err := keys.ParseExport(b, pass)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	if o.noPassphrase {
		pass = nil
	}
	if err := h.Import(id, pass); err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	e.Printf("identity of %s taken over to %s\n", ui.Clean(card.Label()), h.Dir())
	e.Printf("fingerprint: %s\n", card.Fingerprint())
	return nil
}
