package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// matrixCommand is sealtape matrix: the account with which calls of Matrix rooms are
// recorded.
func matrixCommand() *cli.Command {
	return &cli.Command{
		Name:  "matrix",
		Usage: "the Matrix account that records Element calls",
		Description: `Calls in Element and other Matrix clients run on LiveKit, under keys that their members' devices
hand to one another. So the recorder is a member of the room, with an account of its own: log
it in here once, invite it into the room, and record with "sealtape record --matrix".

The account's state lies in SEALTAPE_HOME, sealed to your identity. docs/matrix.md of the source
has the whole way.`,
		UsageText: `  sealtape matrix login @recorder:example.org
  sealtape matrix verify @ada:example.org
  sealtape matrix show
  sealtape record --matrix '#weekly:example.org' --store ./meetings --reader Bob`,
		Subcommands: []*cli.Command{matrixLoginCommand(), matrixVerifyCommand(), matrixShowCommand(), matrixLogoutCommand()},
	}
}

type matrixLogoutOptions struct {
	flags.Unchecked
	user string
}

func matrixLogoutCommand() *cli.Command {
	var o matrixLogoutOptions
	return &cli.Command{
		Name:      "logout",
		Usage:     "end the recorder's device, and forget its keys",
		ArgsUsage: "[USER]",
		Description: `Takes the device from the account at its homeserver, and deletes what is known of it here. The
account and its cross-signing stay; with its recovery key, another device can be logged in.
USER need not be given if there is one account only.`,
		UsageText: "  sealtape matrix logout\n  sealtape matrix logout @recorder:example.org",
		Action:    flags.Action(&o, access.WithHome(runMatrixLogout), flags.Argument{Name: "USER", To: &o.user, Optional: true}),
	}
}

func runMatrixLogout(ctx context.Context, e *ui.Env, h *keys.Home, o *matrixLogoutOptions) (err error) {
	user, err := access.MatrixUser(h, o.user)
	if err != nil {
		return err
	}
	id, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	a, err := access.OpenMatrix(h, id, user, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	device := string(a.Device())
	if err := a.Logout(ctx); err != nil {
		return ui.Hinted(err, "here it is forgotten; end its session "+ui.Clean(device)+" in another client of the account")
	}
	e.Printf("logged out %s, device %s\n", ui.Clean(user), ui.Clean(device))
	return nil
}
