package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/matrixroom"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/token"
)

// matrixHelp describes --matrix.
const matrixHelp = `--matrix ROOM records the calls of a Matrix room, as Element has them, in place of --room and all
that joins a LiveKit room: the account of "sealtape matrix login" must be invited there. It waits
for somebody to start the call, and leaves with the last. Members whose pinned card names their
Matrix account are known, with any client; --member '@ada:example.org=Ada' says so of who was
compared by "sealtape matrix verify". With --no-e2ee the room need not be encrypted.`

// matrixOptions say which call of a Matrix room is recorded.
type matrixOptions struct {
	matrix     string   // the room; "" for none
	matrixUser string   // the account; "" for the only one
	services   []string // token services that may be asked; none for those that members name
}

func (o *matrixOptions) matrixFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "matrix", Destination: &o.matrix, Usage: "record the calls of this Matrix `ROOM`, '#weekly:example.org' or its ID, see above"},
		&cli.StringFlag{Name: "matrix-user", Destination: &o.matrixUser, Usage: "the recorder's account, @name:server", DefaultText: "the only one that is logged in"},
		access.ServiceFlag(),
	}
}

// defaultName is what members see unless --name says otherwise.
const defaultName = "Recorder (Sealtape)"

// checkMatrix returns an error for what makes no sense with --matrix, or without it.
func (o *recordOptions) checkMatrix() error {
	if o.matrix == "" {
		switch {
		case o.matrixUser != "":
			return ui.Misuse("--matrix-user is for --matrix, which is missing")
		case len(o.services) > 0:
			return ui.Misuse("--matrix-service is for --matrix, which is missing")
		}
		return nil
	}
	if err := checkMatrixRoom("--matrix", o.matrix); err != nil {
		return err
	}
	if o.matrixUser != "" {
		if err := checkMatrixUser(o.matrixUser); err != nil {
			return ui.Misuse("--matrix-user: %w", err)
		}
	}
	for _, f := range []struct {
		name  string
		given bool
		hint  string
	}{
		{"--room", o.room != "", "the room of the call is the Matrix room: leave --room out"},
		{"--url", o.url != "" && o.url != os.Getenv("LIVEKIT_URL"), "the members of the call say which LiveKit server it is on"},
		{"--token", o.token+o.tokenFile+o.tokenCommand != "" || len(o.tokenProgram) > 0, "the call's token service gives the tokens, to the account of sealtape matrix login"},
		{"--api-secret", o.apiSecret+o.apiSecretFile != "" || o.apiKey != "" && o.apiKey != os.Getenv("LIVEKIT_API_KEY"), "the call's token service gives the tokens, to the account of sealtape matrix login"},
		{"--identity", o.identity != "", "the recorder's identity is its Matrix device"},
		{"--e2ee-passphrase-file", o.passphraseFile != "", "the members' devices hand their keys to the recorder's"},
		{"--e2ee-key-file", o.keyFile != "", "the members' devices hand their keys to the recorder's"},
		{"--room-keys", o.roomKeys != "", "in a Matrix call the members' devices always make the keys"},
		{"--allow-plaintext", o.plaintext != "", "whoever is in an encrypted Matrix call can encrypt"},
		{"--others " + o.others, o.others != othersBeside, "recorders in Matrix calls do not know one another; start one"},
	} {
		if f.given {
			return ui.Hinted(ui.Misuse("%s and --matrix exclude each other", f.name), f.hint)
		}
	}
	for _, arg := range o.members {
		if user, name := cutMatrixMember(arg); !keys.IsMatrixUser(user) || name == "" {
			return ui.Misuse("--member is %s, want @USER:SERVER=NAME with --matrix", words.Quote(arg))
		}
	}
	return access.CheckServices(o.services)
}

// checkMatrixRoom returns an error for what names no room.
func checkMatrixRoom(flag, room string) error {
	if len(room) > 1 && (room[0] == '#' && strings.Contains(room, ":") || room[0] == '!') && len(room) <= 255 {
		return nil
	}
	return ui.Hinted(ui.Misuse("%s is %s, want a room's address or ID", flag, words.Quote(room)),
		"quote it for the shell, '#weekly:example.org'; in Element the room's settings have both")
}

// cutMatrixMember takes a value of --member apart. A user ID may have = before its server.
func cutMatrixMember(arg string) (user, name string) {
	before, after, _ := strings.Cut(arg, ":")
	server, name, ok := strings.Cut(after, "=")
	if !ok {
		return "", ""
	}
	return before + ":" + server, name
}

// parseMatrixMembers reads the values of --member with --matrix.
func parseMatrixMembers(home *keys.Home, args []string) (map[string][]keys.Card, error) {
	cards := make(map[string][]keys.Card)
	for _, arg := range args {
		user, name := cutMatrixMember(arg)
		if _, twice := cards[user]; twice {
			return nil, ui.Misuse("--member names the user %s twice", words.Quote(user))
		}
		var err error
		if cards[user], err = home.Person(name); err != nil {
			return nil, ui.UnlikeCard(err, name, home)
		}
	}
	return cards, nil
}

// A matrixCall is the account of a recorder, and what it is told about.
type matrixCall struct {
	account *matrix.Account
	user    string
	members map[string][]keys.Card
}

// openMatrix takes the account for this process. The caller closes it.
func (o *recordOptions) openMatrix(e *ui.Env, c bot.Config) (*matrixCall, error) {
	members, err := parseMatrixMembers(c.Home, o.members)
	if err != nil {
		return nil, err
	}
	user, err := access.MatrixUser(c.Home, o.matrixUser)
	if err != nil {
		return nil, err
	}
	l, err := access.MatrixHome(c.Home, c.Identity).Look(user)
	if err != nil {
		return nil, access.ExplainMatrix(err, user)
	}
	warnUncompared(e, l, members)
	a, err := access.OpenMatrix(c.Home, c.Identity, user, c.Log)
	if err != nil {
		return nil, err
	}
	return &matrixCall{account: a, user: user, members: members}, nil
}

// warnUncompared says of whom the operator vouches in vain: their master key was not
// compared, so nobody knows that the account is theirs.
func warnUncompared(e *ui.Env, l matrix.Look, members map[string][]keys.Card) {
	known := make(map[string]bool)
	for _, user := range l.Verified {
		known[user] = true
	}
	for user, cards := range members {
		if !known[user] {
			e.Warnf("--member: %s is taken for %s only once their keys were compared: sealtape matrix verify %s", ui.Clean(user), ui.Clean(cards[0].Name), ui.ShellWord(user))
		}
	}
}

// meeting returns the call as a room.
func (m *matrixCall) meeting(o *recordOptions, c bot.Config, say func(string)) bot.Meeting {
	name := o.name
	if name == defaultName {
		name = "" // which says that it records: here only a name is seen
	}
	call := matrixroom.Meeting(matrixroom.Config{
		Account: m.account, Room: o.matrix, Name: name, Home: c.Home, Members: m.members, Services: o.services, Plain: o.noE2EE, Wait: max(o.lifetime.wait, 0), Say: say,
		Data:    map[string]any{"fingerprint": fingerprintOf(c.Identity)},
		LiveKit: livekit.Config{Rejoin: o.lifetime.rejoin, Selection: o.selection, Log: c.Log},
	})
	enter := call.Join
	call.Join = func(ctx context.Context, p bot.Presence) (bot.Room, error) {
		room, err := enter(ctx, p)
		if _, explained := errors.AsType[*ui.HintError](explainCall(err, m.user)); err != nil && !explained {
			return nil, access.ExplainHomeserver(err, m.user)
		}
		return room, err // runRecord explains it
	}
	return call
}

func fingerprintOf(id *keys.Identity) string {
	card, err := id.Card()
	if err != nil {
		return ""
	}
	return card.Fingerprint().String()
}

// explainCall adds hints to the errors of joining a call, and of entering it.
func explainCall(err error, user string) error {
	if failed, ok := errors.AsType[*token.Error](err); ok {
		return ui.Hinted(err, access.TokenHint(failed))
	}
	switch {
	case errors.Is(err, matrixroom.ErrNobody):
		return ui.Hinted(err, "a recorder never begins a call: start it when somebody is there, or wait longer with --wait")
	case errors.Is(err, livekit.ErrNoSubscribe), errors.Is(err, livekit.ErrUnreachable), errors.Is(err, livekit.ErrHidden), errors.Is(err, livekit.ErrUnauthorized):
		return ui.Hinted(err, "ask who runs the call's LiveKit server and its token service; what they give to this account is of no use")
	case errors.Is(err, context.DeadlineExceeded):
		return ui.Hinted(err, "the homeserver or the call's LiveKit server answers too slowly: check the network, and the firewall for UDP")
	}
	return access.ExplainMatrix(err, user)
}

// explainCallEnd returns the error to exit with if a call ended its recording in a way that
// somebody should look into.
func explainCallEnd(rep recorder.Report) error {
	const kept = "what was recorded before is kept; "
	switch {
	case errors.Is(rep.Cause, matrix.ErrLoggedOut):
		return ui.Hinted(ui.ExitWith(ui.ExitFailed, rep.Cause), kept+"somebody ended the recorder's device: log in again", "sealtape matrix logout", "sealtape matrix login @NAME:SERVER --recovery-key-file FILE")
	case errors.Is(rep.Cause, matrix.ErrRemoved):
		return ui.Hinted(ui.ExitWith(ui.ExitIncomplete, rep.Cause), kept+"somebody put the recorder out of the room: ask them")
	case errors.Is(rep.Cause, matrixroom.ErrSilenced):
		return ui.Hinted(ui.ExitWith(ui.ExitIncomplete, rep.Cause), kept+"members must be told that they are recorded: give the recorder back the power to write")
	}
	return nil
}
