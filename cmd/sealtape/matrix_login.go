package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/sso"
)

type matrixLoginOptions struct {
	flags.JSONOption
	user, homeserver, device      string
	passwordFile, recoveryKeyFile string
	sso                           bool
}

func matrixLoginCommand() *cli.Command {
	var o matrixLoginOptions
	return &cli.Command{
		Name:      "login",
		Usage:     "log in the recorder's account, once",
		ArgsUsage: "USER",
		Description: `Makes a device of the account for this recorder. Asks for the password on the terminal, or takes
it from a file; - is standard input. With --sso it opens the page on which the account logs in.

Others send no keys to a device that its account has not signed. So if the account has no
cross-signing yet, this makes it, and prints its recovery key: once, for it is kept nowhere.
Write it down. It alone signs the next device; who has it is the account for everybody. An
account that has cross-signing, from Element or from here, needs its recovery key.

Use an account for the recorder alone. One process at a time can use it; for two recordings
at once, log in two accounts.`,
		UsageText: `  sealtape matrix login @recorder:example.org
  sealtape matrix login @recorder:example.org --password-file password.txt --recovery-key-file recovery.txt
  sealtape matrix login @recorder:example.org --sso --homeserver https://matrix.example.org`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "homeserver", Destination: &o.homeserver, Usage: "the homeserver's `URL`", DefaultText: "the user's server is asked for it"},
			&cli.StringFlag{Name: "password-file", Destination: &o.passwordFile, Usage: "`FILE` with the account's password; - is standard input"},
			&cli.BoolFlag{Name: "sso", Destination: &o.sso, Usage: "log in on a page of the homeserver, in the browser"},
			&cli.StringFlag{Name: "recovery-key-file", Destination: &o.recoveryKeyFile, Usage: "`FILE` with the recovery key of an account that has cross-signing; - is standard input"},
			&cli.StringFlag{Name: "device-name", Destination: &o.device, Value: "Sealtape", Usage: "what the account's other devices call this one, as `NAME`"},
			o.JSONFlag(),
		},
		Action: flags.Action(&o, access.WithHome(runMatrixLogin), flags.Argument{Name: "the USER of an account, as @recorder:example.org", To: &o.user}),
	}
}

func (o *matrixLoginOptions) Check() error {
	if err := checkMatrixUser(o.user); err != nil {
		return err
	}
	if o.sso && o.passwordFile != "" {
		return ui.Misuse("--sso and --password-file exclude each other")
	}
	if o.passwordFile == "-" && o.recoveryKeyFile == "-" {
		return ui.Misuse("only one of --password-file and --recovery-key-file can be standard input")
	}
	if o.homeserver == "" {
		return nil
	}
	if u, err := url.Parse(o.homeserver); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ui.Misuse("--homeserver is %s, want a URL such as https://matrix.example.org", words.Quote(o.homeserver))
	}
	if host := ui.PlainHost(o.homeserver); host != "" {
		return ui.Hinted(ui.Misuse("--homeserver: %s would be reached without TLS, and the password be read on the way", host), "use https://")
	}
	return nil
}

// checkMatrixUser returns an error for what is no user ID.
func checkMatrixUser(user string) error {
	if !keys.IsMatrixUser(user) {
		return ui.Misuse("%s is no Matrix user, want @name:server", words.Quote(user))
	}
	return nil
}

// A matrixLoginJSON is what matrix login prints with --json. JSON.md says what its fields
// mean.
type matrixLoginJSON struct {
	User        string `json:"user"`
	Homeserver  string `json:"homeserver"`
	Device      string `json:"device"`
	Fingerprint string `json:"fingerprint"`
	Master      string `json:"master"`
	RecoveryKey string `json:"recovery_key,omitempty"`
}

func runMatrixLogin(ctx context.Context, e *ui.Env, h *keys.Home, o *matrixLoginOptions) (err error) {
	card, err := h.OwnCard()
	if err != nil {
		return err
	}
	id, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	home := access.MatrixHome(h, id)
	// Before anybody types a password.
	if users, err := home.Users(); err != nil {
		return err
	} else if slices.Contains(users, o.user) {
		return access.ExplainMatrix(fmt.Errorf("%w: %s", matrix.ErrLoggedIn, o.user), o.user)
	}
	login := matrix.Login{User: o.user, Homeserver: o.homeserver, DeviceName: o.device, Browser: confirmInBrowser(e)}
	defer func() {
		clear(login.Password)
		clear(login.Token)
		clear(login.RecoveryKey)
	}()
	if err := o.secrets(ctx, e, &login); err != nil {
		return err
	}
	a, recovery, err := home.New(ctx, login, slog.New(slog.DiscardHandler))
	if errors.Is(err, matrix.ErrRecoveryKey) && len(login.RecoveryKey) == 0 && len(login.Password) > 0 {
		if login.RecoveryKey, err = o.askRecoveryKey(ctx, e, err); err != nil {
			return err
		}
		a, recovery, err = home.New(ctx, login, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		// Cross-signing was made, and what failed came after that.
		if recovery != "" {
			showRecoveryKey(e, o.user, recovery, o.JSON)
		}
		return access.ExplainHomeserver(err, o.user)
	}
	if err := a.Close(); err != nil {
		return err
	}
	l, err := home.Look(o.user)
	if err != nil {
		return err
	}
	return showMatrixLogin(e, card, l, recovery, o.JSON)
}

// showRecoveryKey shows the recovery key of an account whose login failed: only with it the
// next one can succeed.
func showRecoveryKey(e *ui.Env, user, recovery string, asJSON bool) {
	if asJSON {
		_ = e.JSON(matrixLoginJSON{User: user, RecoveryKey: recovery}) // the login's error counts
	} else {
		e.Printf("recovery key: %s\n", ui.Clean(recovery))
	}
	e.Notef("Write the recovery key down: the account has cross-signing keys now, and the next login needs it.")
}

func showMatrixLogin(e *ui.Env, card keys.Card, l matrix.Look, recovery string, asJSON bool) error {
	if asJSON {
		return e.JSON(matrixLoginJSON{l.User, l.Homeserver, l.Device, l.Fingerprint, l.Master, recovery})
	}
	e.Printf("logged in %s at %s\n", ui.Clean(l.User), ui.Clean(l.Homeserver))
	e.Printf("device: %s, cross-signed\n", ui.Clean(l.Device))
	e.Printf("master key: ed25519:%s\n", ui.Clean(l.Master))
	if recovery != "" {
		e.Printf("recovery key: %s\n", ui.Clean(recovery))
		e.Notef("\nWrite the recovery key down, where nobody else finds it: it is shown once and kept nowhere. Without it\nthis account's next device is a stranger to everybody; with it, somebody else is this account.")
	}
	if card.Matrix.String() != l.User+" ed25519:"+l.Master {
		e.Notef("Next: put the account on your card, sealtape keys card --matrix own, and invite %s into the room.", l.User)
		return nil
	}
	e.Notef("Next: invite %s into the room.", l.User)
	return nil
}

// secrets asks for what logs in, or reads it.
func (o *matrixLoginOptions) secrets(ctx context.Context, e *ui.Env, login *matrix.Login) (err error) {
	if o.recoveryKeyFile != "" {
		if login.RecoveryKey, err = readSecretOrInput(e, o.recoveryKeyFile); err != nil {
			return fmt.Errorf("--recovery-key-file: %w", err)
		}
	}
	switch {
	case o.sso:
		return o.inBrowser(ctx, e, login)
	case o.passwordFile != "":
		if login.Password, err = readSecretOrInput(e, o.passwordFile); err != nil {
			return fmt.Errorf("--password-file: %w", err)
		}
		return nil
	}
	login.Password, err = e.Secret(ctx, "password of "+ui.Clean(o.user), "give it by --password-file FILE, or - for standard input; for an account that logs in on a page, --sso")
	if err == nil && len(login.Password) == 0 {
		err = errors.New("the password is empty")
	}
	return err
}

// askRecoveryKey asks for the recovery key of an account that turned out to have
// cross-signing. Where nobody can be asked, the error is that one, why.
func (o *matrixLoginOptions) askRecoveryKey(ctx context.Context, e *ui.Env, why error) ([]byte, error) {
	key, err := e.Secret(ctx, "the account has cross-signing; its recovery key", "")
	if errors.Is(err, terminal.ErrNone) || err == nil && len(key) == 0 {
		return nil, access.ExplainMatrix(why, o.user)
	}
	return key, err
}

// confirmInBrowser returns what has the operator confirm something on a page of the
// homeserver.
func confirmInBrowser(e *ui.Env) func(context.Context, string) error {
	return func(ctx context.Context, page string) error {
		e.Notef("The homeserver wants you to confirm that cross-signing keys are published for the account, on this page:\n  %s", page)
		browse(e, page)
		yes, err := e.Confirm(ctx, "Have you confirmed it there?")
		if errors.Is(err, terminal.ErrNone) {
			return ui.Hinted(fmt.Errorf("somebody must confirm it and %w", err), "run the command on a terminal, this once")
		}
		if err == nil && !yes {
			err = errors.New("it was not confirmed")
		}
		return err
	}
}

// inBrowser has the operator log in on a page of the homeserver.
func (o *matrixLoginOptions) inBrowser(ctx context.Context, e *ui.Env, login *matrix.Login) error {
	page := sso.SignOn{User: o.user, Homeserver: o.homeserver,
		Open: func(_ context.Context, address string) error {
			e.Notef("Log in as %s on this page:\n  %s", o.user, address)
			browse(e, address)
			return nil
		},
		Paste: func(ctx context.Context) (string, error) {
			address, err := e.Secret(ctx, "if the browser is on another machine, the address at which it ended", "")
			if errors.Is(err, terminal.ErrNone) {
				<-ctx.Done() // the page on this machine may still come back
				return "", ctx.Err()
			}
			return string(address), err
		}}
	var err error
	login.Token, login.Homeserver, err = page.Token(ctx)
	switch {
	case errors.Is(err, sso.ErrNoSSO):
		return ui.Hinted(err, "leave --sso out: the account has a password")
	case errors.Is(err, sso.ErrNoToken):
		return ui.Hinted(err, "run the command again; the page leads back to this machine, or paste the address at which the browser ended")
	}
	return access.ExplainHomeserver(err, o.user)
}
