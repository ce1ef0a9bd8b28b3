package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/recorder/livekit"
)

// The environment answers what should not stand in a command line, where ps
// shows it.
const (
	e2eePassphraseVar = "SEALTAPE_E2EE_PASSPHRASE"
	apiSecretVar      = "LIVEKIT_API_SECRET"
	tokenVar          = "LIVEKIT_TOKEN"
)

// maxSecret bounds the files that hold a passphrase or a token.
const maxSecret = 16 << 10

func recordCommand() *cli.Command {
	return &cli.Command{
		Name:      "record",
		Usage:     "record a room, visibly",
		ArgsUsage: "--room ROOM --store STORE --reader NAME",
		Description: `Joins the room under its end-to-end encryption, tells the members that it
records and who will be able to open the recording, and seals what it receives
to those readers. Nothing is ever written unsealed. Before anything is kept the
room has 3.5 s to see that: nothing of what is said or written then is in the
recording, whose time begins after it. The recording's ID is printed first. Ctrl-C, or the end of the room, closes the recording. The signal
USR1 pauses it and lets it go on; the room is told, and the pause is no hole.

The room's passphrase comes from --e2ee-passphrase-file or ` + e2eePassphraseVar + `,
other keys from --e2ee-key-file,
the server from LIVEKIT_URL with LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or
LIVEKIT_TOKEN. A token must show the recorder and let it send data.

` + keyFileHelp + `

` + storeHelp + `

Exit code 3: something of a second or more is missing; "sealtape info" says what.

` + configHelp,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "room", Usage: "the `ROOM` to record"},
			storesFlag(),
			&cli.StringSliceFlag{Name: "reader", Usage: "who can open it: a pinned `NAME`, an age recipient, or a file with either; repeat for more"},
			&cli.StringSliceFlag{Name: "member", Usage: "`IDENTITY=NAME`: the member with this identity in the room is the pinned NAME and a reader, as --access says; repeat for more"},
			&cli.StringFlag{Name: "access", Value: "present", Usage: "`WHAT` members who are readers may read: present, what is recorded while they are here, or whole, all of it if they come; those named by --reader read all"},
			&cli.DurationFlag{Name: "segment", Value: 5 * time.Second, Usage: "`LENGTH` of a segment: what a crash can cost"},
			&cli.DurationFlag{Name: "duration", Usage: "stop after this `TIME`; 0 is when the room ends", DefaultText: "when the room ends"},
			&cli.StringFlag{Name: "e2ee-passphrase-file", Usage: "`FILE` with the room's passphrase"},
			&cli.StringFlag{Name: "e2ee-key-file", Usage: "`FILE` with the room's keys, see above"},
			&cli.BoolFlag{Name: "no-e2ee", Usage: "the room is not end-to-end encrypted"},
			&cli.StringFlag{Name: "url", EnvVars: []string{"LIVEKIT_URL"}, Usage: "LiveKit server `URL`, wss://…"},
			&cli.StringFlag{Name: "token", Usage: "access `TOKEN`; better in " + tokenVar + " or a file, for ps shows it here"},
			&cli.StringFlag{Name: "token-file", Usage: "`FILE` with the access token"},
			&cli.StringFlag{Name: "token-command", Usage: "`COMMAND` for sh that prints an access token, run whenever one is needed, without the secrets in the environment"},
			&cli.StringFlag{Name: "api-key", EnvVars: []string{"LIVEKIT_API_KEY"}, Usage: "API `KEY`, to make a token with"},
			&cli.StringFlag{Name: "api-secret", Usage: "API `SECRET`; better in " + apiSecretVar + " or a file, for ps shows it here"},
			&cli.StringFlag{Name: "api-secret-file", Usage: "`FILE` with the API secret"},
			&cli.StringFlag{Name: "identity", Usage: "the recorder's `IDENTITY` in the room (default: a new one)"},
			&cli.StringFlag{Name: "name", Value: "Recorder (Sealtape)", Usage: "the `NAME` that members see"},
			keepLocalFlag(),
			&cli.StringFlag{Name: "metrics-addr", Usage: "answer /metrics (Prometheus), /healthz and /readyz on this `ADDR`, such as 127.0.0.1:9464"},
			&cli.StringFlag{Name: "config", Usage: "read flags from this YAML `FILE`, see above"},
			jsonFlag(),
		}, slices.Concat(selectionFlags(), policyFlags(), lifeFlags())...),
		Action: recordAction,
	}
}

// recordAction turns the flags into a recording and runs it.
func recordAction(c *cli.Context) error {
	e := envOf(c)
	service, err := newService()
	if err != nil {
		return err
	}
	if _, err := arguments(c); err != nil {
		return err
	}
	if err := e.configure(c); err != nil {
		return err
	}
	if c.String("room") == "" && c.String("token")+c.String("token-file")+c.String("token-command")+os.Getenv(tokenVar) == "" {
		return usagef(c, "which room? --room is missing")
	}
	if a := c.String("access"); a != "present" && a != "whole" {
		return usagef(c, "--access is %q, want present or whole", a)
	}
	if d := c.Duration("segment"); d < time.Second || d > time.Minute {
		return usagef(c, "--segment is %v, want 1s to 1m", d)
	}
	if c.Duration("duration") < 0 {
		return usagef(c, "--duration is negative")
	}
	policy, err := parsePolicy(c)
	if err != nil {
		return err
	}
	selection, err := parseSelection(c)
	if err != nil {
		return err
	}
	lifetime, err := parseLifetime(c)
	if err != nil {
		return err
	}
	if c.String("url") == "" {
		return hinted(usagef(c, "which server? --url is missing"), "set LIVEKIT_URL, such as wss://meet.example.org")
	}
	home, err := e.openHome()
	if err != nil {
		return err
	}
	readers, err := parseReaders(home, c.StringSlice("reader"))
	if err != nil {
		return err
	}
	if len(readers) == 0 {
		return hinted(usagef(c, "no one could open the recording, so there will be none"),
			"name a reader: --reader NAME of a pinned card, or your own")
	}
	if policy.readers == "all-pinned" {
		if readers, err = allPinned(home, readers); err != nil {
			return err
		}
	}
	if err := seatsFor(readers); err != nil {
		return err
	}
	members, err := parseMembers(c, home)
	if err != nil {
		return err
	}
	roomKeys, err := openRoomKeys(c)
	if err != nil {
		return err
	}
	join, err := e.joinConfig(c)
	if err != nil {
		return err
	}
	join.Rejoin, join.Reopen, join.Selection = lifetime.rejoin, lifetime.reopen, selection
	id, err := e.loadIdentity(c.Context, home)
	if err != nil {
		return err
	}
	if err := ownCounts(home); err != nil {
		return err
	}
	key, err := newRecorderKey(home, id)
	if err != nil {
		return err
	}
	stores, storeID, err := e.openStores(c.Context, storeNames(c))
	if err != nil {
		return err
	}
	// Age plugins are started with our environment: leave no secret in it.
	for _, v := range secretVars {
		if err := os.Unsetenv(v); err != nil {
			return err
		}
	}
	r := &recording{
		env: e, home: home, identity: id, key: key, stores: stores, readers: readers, members: members, whole: c.String("access") == "whole", join: join,
		segment: c.Duration("segment"), duration: c.Duration("duration"), json: c.Bool("json"), keepLocal: c.Bool("keep-local"),
		policy: policy, storeID: storeID,
		metricsAddr: c.String("metrics-addr"), service: service, grace: lifetime.grace, wait: lifetime.wait,
	}
	if roomKeys != nil {
		r.keys = roomKeys
		r.join.Keys = roomKeys
	}
	return r.run(c.Context)
}

// joinConfig says how to join the room.
func (e *env) joinConfig(c *cli.Context) (livekit.Config, error) {
	j := livekit.Config{
		URL: c.String("url"), Room: c.String("room"), Name: c.String("name"), Identity: c.String("identity"),
		APIKey: c.String("api-key"),
	}
	var err error
	if j.Token, err = flagOrFile(c, "token"); err != nil {
		return j, err
	}
	if j.APISecret, err = flagOrFile(c, "api-secret"); err != nil {
		return j, err
	}
	if command := c.String("token-command"); command != "" {
		j.TokenFunc = tokenCommand(command, e.stderr)
	}
	if c.String("token")+c.String("api-secret") != "" {
		e.warnf("a secret in the command line can be read by everyone on this machine; use %s or %s", tokenVar, apiSecretVar)
	}
	e.warnPlainRoom(j.URL)
	if j.APISecret == "" {
		j.APISecret = os.Getenv(apiSecretVar)
	}
	if j.Token == "" && j.APISecret == "" && j.TokenFunc == nil {
		j.Token = os.Getenv(tokenVar)
	}
	if j.Token == "" && j.TokenFunc == nil && (j.APIKey == "" || j.APISecret == "") {
		return j, hinted(usagef(c, "nothing to join the room with"),
			"set LIVEKIT_API_KEY and "+apiSecretVar+", or "+tokenVar)
	}
	if j.Identity == "" {
		b := make([]byte, 6)
		rand.Read(b)
		j.Identity = "sealtape-" + hex.EncodeToString(b)
	}
	return j, nil
}

// flagOrFile returns the value of a flag, or what the file holds that the flag
// with -file at its end names.
func flagOrFile(c *cli.Context, name string) (string, error) {
	value, file := c.String(name), c.String(name+"-file")
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", usagef(c, "--%s and --%s-file exclude each other", name, name)
	}
	b, err := readSecret(file)
	if err != nil {
		return "", fmt.Errorf("--%s-file: %w", name, err)
	}
	return string(b), nil
}

// readSecret reads a file that holds one secret, without the line's end.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, err
	}
	b = bytes.TrimRight(b, "\r\n")
	if len(b) == 0 || len(b) > maxSecret {
		return nil, fmt.Errorf("%s is empty or longer than %d bytes", path, maxSecret)
	}
	return b, nil
}

// explainJoin gives the errors of joining their hints.
func explainJoin(err error) error {
	for _, h := range []struct {
		err  error
		hint string
	}{
		{errTokenCommand, "run it by hand: it has to print one token and nothing else, within 30 s, without the secrets in your environment"},
		{livekit.ErrHidden, "sealtape records in the open only: make a token without the hidden grant"},
		{livekit.ErrNoData, "it must be able to tell the room that it records: make a token with canPublishData"},
		{livekit.ErrNoSubscribe, "make a token with canSubscribe"},
		{livekit.ErrToken, "make a new token for this room, or set LIVEKIT_API_KEY and " + apiSecretVar},
		{livekit.ErrUnauthorized, "check LIVEKIT_API_KEY and " + apiSecretVar + ", or the token, against the server's"},
		{livekit.ErrNoRoom, "this server makes no rooms for who joins: make it first, or check --room"},
		{livekit.ErrUnreachable, "check LIVEKIT_URL, and that the server runs and can be reached from here"},
		{context.DeadlineExceeded, "the server answers but no connection came about: check the firewall for its UDP and TCP media ports"},
	} {
		if errors.Is(err, h.err) {
			return hinted(err, h.hint)
		}
	}
	return err
}
