package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/sas"
)

type matrixVerifyOptions struct {
	flags.JSONOption
	user, account, room string
	wait                bool
}

func matrixVerifyCommand() *cli.Command {
	var o matrixVerifyOptions
	return &cli.Command{
		Name:      "verify",
		Usage:     "compare emoji with somebody, so that they count as verified in calls",
		ArgsUsage: "USER",
		Description: `Shows seven emoji, which the other side's Element shows too. Compare them where nobody can forge
you both: side by side, or by a voice that you know. Say yes only if they are the same, in the same
order. Then each account has signed the other's master key, and USER's devices are verified: in
calls, and until that key changes.

Asks all of USER's devices, which see it if you share an encrypted room; --room asks in a room,
by its address or ID. With --wait it asks nothing, and USER asks: in Element, under the recorder's
profile, Verify. It enters the room that their client makes for that. Either way it ends after
ten minutes. No recording may use the account meanwhile; a recorder refuses such requests.`,
		UsageText: `  sealtape matrix verify @ada:example.org
  sealtape matrix verify @ada:example.org --room '#weekly:example.org'
  sealtape matrix verify @ada:example.org --wait`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Destination: &o.account, Usage: "the recorder's account, as `@NAME:SERVER`", DefaultText: "the only one here"},
			&cli.StringFlag{Name: "room", Destination: &o.room, Usage: "ask in this `ROOM`, #NAME:SERVER or its ID"},
			&cli.BoolFlag{Name: "wait", Destination: &o.wait, Usage: "wait until USER asks"},
			o.JSONFlag(),
		},
		Action: flags.Action(&o, access.WithHome(runMatrixVerify), flags.Argument{Name: "the USER to verify, as @ada:example.org", To: &o.user}),
	}
}

func (o *matrixVerifyOptions) Check() error {
	if o.wait && o.room != "" {
		return ui.Misuse("--wait and --room exclude each other: USER's client chooses the room")
	}
	return checkMatrixUser(o.user)
}

// A matrixVerifyJSON is what matrix verify prints with --json. JSON.md says what its
// fields mean.
type matrixVerifyJSON struct {
	User   string    `json:"user"`
	Master string    `json:"master"`
	At     time.Time `json:"at"`
}

func runMatrixVerify(ctx context.Context, e *ui.Env, h *keys.Home, o *matrixVerifyOptions) (err error) {
	account, err := access.MatrixUser(h, o.account)
	if err != nil {
		return err
	}
	tty, err := terminal.Open() // before anybody is asked on the other side
	if err != nil {
		return ui.Hinted(fmt.Errorf("somebody must compare the emoji and %w", err), "run the command on a terminal")
	}
	if err := tty.Close(); err != nil {
		return err
	}
	own, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	a, err := access.OpenMatrix(h, own, account, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	v := matrix.Verifying{User: o.user, Wait: o.wait}
	if o.room != "" {
		room, _, err := a.ResolveRoom(ctx, o.room)
		if err != nil {
			return access.ExplainMatrix(err, account)
		}
		v.Room = string(room)
	}
	who := ui.Clean(o.user)
	v.Compare = func(ctx context.Context, s sas.Shown) (bool, error) {
		e.Notef("\n%s\n", strings.Join(sasLines(s, showsEmoji(os.Getenv)), "\n"))
		return e.Confirm(ctx, "Does "+who+" see the same, in this order?")
	}
	v.Tell = func(s matrix.VerifyStep) {
		switch s {
		case matrix.VerifyAsked:
			e.Notef("asked %s; they have to accept it in their client", who)
		case matrix.VerifyWaits:
			e.Notef("waiting for %s: in their client, they open the profile of %s and choose Verify", who, ui.Clean(account))
		case matrix.VerifyAnswered:
			e.Notef("both sides agreed to compare")
		case matrix.VerifyConfirmed:
			e.Notef("waiting until %s says the same", who)
		}
	}
	of, err := a.Verify(ctx, v)
	if err != nil {
		return explainVerify(err, o, account)
	}
	if o.JSON {
		return e.JSON(matrixVerifyJSON{of.User, of.Master, of.At.UTC()})
	}
	e.Printf("verified %s\nmaster key: ed25519:%s\n", ui.Clean(of.User), ui.Clean(of.Master))
	return nil
}

// showsEmoji reports whether a terminal with this environment shows emoji: a text
// console and one without UTF-8 show other signs instead.
func showsEmoji(getenv func(string) string) bool {
	if t := getenv("TERM"); t == "linux" || t == "dumb" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(getenv(name)); v != "" {
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return false
}

// sasLines returns what people compare, for the terminal. The names are those that
// clients show beneath the emoji.
func sasLines(s sas.Shown, emoji bool) (lines []string) {
	for i, m := range s.Emoji {
		line := fmt.Sprintf("  %d. ", i+1)
		if emoji {
			line += m.Symbol + "  "
		}
		lines = append(lines, line+m.Name)
	}
	return append(lines, fmt.Sprintf("  as numbers: %d %d %d", s.Decimal[0], s.Decimal[1], s.Decimal[2]))
}

// explainVerify adds to an error what to do about it.
func explainVerify(err error, o *matrixVerifyOptions, account string) error {
	again := "sealtape matrix verify " + ui.ShellWord(o.user)
	for _, a := range []struct {
		err error
		why string
		run []string
	}{
		{sas.ErrNotSame, "nothing was signed; if both sides read with care, do not trust the homeservers between you, and compare master keys in person", []string{"sealtape matrix show"}},
		{sas.ErrForged, "nothing was signed; try once more, and if it is so again, compare master keys in person", []string{again, "sealtape matrix show"}},
		{sas.ErrUnvouched, "they must verify their own session first, in their client's settings; then try again", []string{again}},
		{matrix.ErrNoKeys, "they have to set up cross-signing, or secure backup, in their client; and check the name", nil},
		{sas.ErrExpired, "if they were not asked, you share no encrypted room: ask in a room that both are in, or let them ask", []string{again + " --room ROOM", again + " --wait"}},
		{sas.ErrDeclined, "agree with them when to do it; they have to accept it in their client", []string{again}},
		{sas.ErrElsewhere, "answer on one device only", []string{again}},
		{sas.ErrUnclear, "their client may not compare emoji; try again, or from the other side", []string{again + " --wait"}},
	} {
		if errors.Is(err, a.err) {
			return ui.Hinted(err, a.why, a.run...)
		}
	}
	return access.ExplainMatrix(err, account)
}
