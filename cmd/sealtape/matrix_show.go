package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/matrix"
)

type matrixShowOptions struct {
	flags.Unchecked
	flags.JSONOption
	user    string
	offline bool
}

func matrixShowCommand() *cli.Command {
	var o matrixShowOptions
	return &cli.Command{
		Name:      "show",
		Usage:     "show the recorder's account, its rooms, and whom it knows",
		ArgsUsage: "[USER]",
		Description: `Shows the account's device, by its fingerprint, and the master key of its cross-signing: what
others compare who verify the recorder without emoji. Asks the homeserver whether the device is
still there and cross-signed, in which rooms the account is, and what a recorder lacks there.

Under PEOPLE are those whose master key a pinned card names, or whom "sealtape matrix verify"
compared: in calls they are known, and become readers. It works while a recorder uses the account.`,
		UsageText: "  sealtape matrix show\n  sealtape matrix show @recorder:example.org --json",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "offline", Destination: &o.offline, Usage: "ask no homeserver: show what is known here"},
			o.JSONFlag(),
		},
		Action: flags.Action(&o, access.WithHome(runMatrixShow), flags.Argument{Name: "USER", To: &o.user, Optional: true}),
	}
}

// A matrixJSON is what matrix show prints with --json. JSON.md says what its fields mean.
type matrixJSON struct {
	User        string             `json:"user"`
	Homeserver  string             `json:"homeserver"`
	Device      string             `json:"device"`
	Fingerprint string             `json:"fingerprint"`
	Master      string             `json:"master"`
	Held        bool               `json:"held"`
	OnCard      bool               `json:"on_card"`
	Asked       bool               `json:"asked"`
	LoggedOut   bool               `json:"logged_out"`
	Signed      bool               `json:"signed"`
	OneTimeKeys int                `json:"one_time_keys"`
	Delayed     bool               `json:"delayed_events"`
	Sticky      bool               `json:"sticky_events"`
	Problem     string             `json:"problem,omitempty"`
	Rooms       []matrixRoomJSON   `json:"rooms"`
	People      []matrixPersonJSON `json:"people"`
}

type matrixRoomJSON struct {
	ID      string   `json:"id"`
	Alias   string   `json:"alias,omitempty"`
	Name    string   `json:"name,omitempty"`
	Invited bool     `json:"invited"`
	Call    bool     `json:"call"`
	Lacks   []string `json:"lacks"`
}

// How somebody is known in Matrix.
const (
	knownByCard  = "card"
	knownByEmoji = "compared"
	knownNot     = "changed"
	knownTwice   = "disputed"
)

type matrixPersonJSON struct {
	User   string `json:"user"`
	Name   string `json:"name,omitempty"`
	Known  string `json:"known"`
	Master string `json:"master,omitempty"`
}

func runMatrixShow(ctx context.Context, e *ui.Env, h *keys.Home, o *matrixShowOptions) error {
	user, err := access.MatrixUser(h, o.user)
	if err != nil {
		return err
	}
	id, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	home := access.MatrixHome(h, id)
	l, err := home.Look(user)
	if err != nil {
		return access.ExplainMatrix(err, user)
	}
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	j := matrixJSON{User: l.User, Homeserver: l.Homeserver, Device: l.Device, Fingerprint: l.Fingerprint, Master: l.Master, Held: l.Held,
		OnCard: ownMatrix(pins) == l.User+" ed25519:"+l.Master, Rooms: []matrixRoomJSON{}, People: matrixPeople(pins, l)}
	var failed error
	if !o.offline {
		failed = j.ask(ctx, home, user)
	}
	if o.JSON {
		if err := e.JSON(j); err != nil {
			return err
		}
		return failed
	}
	if err := showMatrix(e, j); err != nil {
		return err
	}
	return failed
}

// ask asks the homeserver. The error says what is wrong with the account there, and what
// helps.
func (j *matrixJSON) ask(ctx context.Context, home matrix.Home, user string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	health, err := home.Health(ctx, user)
	if err != nil {
		j.LoggedOut, j.Problem = errors.Is(err, matrix.ErrLoggedOut), err.Error()
		return access.ExplainHomeserver(err, user)
	}
	j.Asked, j.Signed, j.OneTimeKeys, j.Delayed, j.Sticky = true, health.Signed, health.OneTimeKeys, health.Delayed, health.Sticky
	for _, r := range health.Rooms {
		room := matrixRoomJSON{ID: r.ID, Alias: r.Alias, Name: r.Name, Invited: r.Invited, Call: len(r.Services) > 0, Lacks: []string{}}
		for _, lack := range r.Lacks {
			room.Lacks = append(room.Lacks, lack.Error())
		}
		j.Rooms = append(j.Rooms, room)
	}
	if !health.Signed {
		j.Problem = matrix.ErrUnsignedDevice.Error()
		return access.ExplainMatrix(matrix.ErrUnsignedDevice, user)
	}
	return nil
}

// ownMatrix returns the account on one's own card, "" for none.
func ownMatrix(pins []keys.Pin) string {
	if len(pins) == 0 || !pins[0].Own {
		return ""
	}
	return pins[0].Matrix.String()
}

// matrixPeople returns who is known, by the cards that are pinned and by what the account
// compared.
func matrixPeople(pins []keys.Pin, l matrix.Look) []matrixPersonJSON {
	people := []matrixPersonJSON{}
	seen := make(map[string]bool)
	for _, p := range pins {
		user := p.Matrix.User
		if p.Own || user == "" || seen[user] || p.Live(time.Now()) != nil {
			continue
		}
		seen[user] = true
		master, cards, err := keys.MatrixPerson(pins, user, time.Now())
		switch {
		case err != nil:
			people = append(people, matrixPersonJSON{User: user, Known: knownTwice})
		default:
			people = append(people, matrixPersonJSON{User: user, Name: cards[0].Name, Known: knownByCard, Master: master})
		}
	}
	for _, user := range l.Verified {
		if !seen[user] {
			people = append(people, matrixPersonJSON{User: user, Known: knownByEmoji})
		}
	}
	for _, user := range l.Changed {
		i := slices.IndexFunc(people, func(p matrixPersonJSON) bool { return p.User == user })
		if i < 0 {
			people = append(people, matrixPersonJSON{User: user, Known: knownNot})
		}
	}
	slices.SortFunc(people, func(a, b matrixPersonJSON) int { return strings.Compare(a.User, b.User) })
	return people
}

func showMatrix(e *ui.Env, j matrixJSON) error {
	state := "not asked"
	switch {
	case j.LoggedOut:
		state = "logged out"
	case j.Asked && j.Signed:
		state = "logged in, cross-signed"
	case j.Asked:
		state = "logged in, not cross-signed"
	case j.Problem != "":
		state = "the homeserver did not answer"
	}
	if j.Held {
		state += "; in use by another process"
	}
	rows := [][]string{
		{"user:", ui.Clean(j.User)},
		{"homeserver:", ui.Clean(j.Homeserver)},
		{"device:", ui.Clean(j.Device)},
		{"fingerprint:", ui.Clean(inFours(j.Fingerprint))},
		{"master key:", "ed25519:" + ui.Clean(j.Master)},
		{"on your card:", yesNo(j.OnCard)},
		{"state:", state},
	}
	if j.Asked {
		delayed := "yes: it takes the recorder from a call 8 s after it died"
		if !j.Delayed {
			delayed = "no: after a crash, the recorder stays in the call's list for up to ten minutes"
		}
		rows = append(rows, []string{"one-time keys:", strconv.Itoa(j.OneTimeKeys)}, []string{"delayed events:", delayed})
	}
	if err := e.Facts(rows); err != nil {
		return err
	}
	rows = [][]string{{"ROOM", "ID", "YOU ARE", "CALL", "LACKS"}}
	for _, r := range j.Rooms {
		name, is, call := r.Alias, "in it", ""
		if name == "" {
			name = r.Name
		}
		if r.Invited {
			is = "invited"
		}
		if r.Call {
			call = "goes on"
		}
		rows = append(rows, []string{ui.Clean(name), ui.Clean(r.ID), is, call, ui.Clean(strings.Join(r.Lacks, "; "))})
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	rows = [][]string{{"PEOPLE", "NAME", "KNOWN BY"}}
	for _, p := range j.People {
		rows = append(rows, []string{ui.Clean(p.User), ui.Clean(p.Name), map[string]string{
			knownByCard: "a pinned card", knownByEmoji: "compared emoji", knownNot: "nothing any more: the master key changed",
			knownTwice: "nothing: pinned cards disagree",
		}[p.Known]})
	}
	return e.Section(rows)
}

// inFours writes a key as other clients show it.
func inFours(key string) string {
	var parts []string
	for chunk := range slices.Chunk([]byte(key), 4) {
		parts = append(parts, string(chunk))
	}
	return strings.Join(parts, " ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
