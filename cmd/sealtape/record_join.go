package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// joinConfig returns how to join the room.
func (o *recordOptions) joinConfig(e *ui.Env) (livekit.Config, error) {
	j := livekit.Config{
		URL: o.url, Room: o.room, Name: o.name, Identity: o.identity, APIKey: o.apiKey,
		Rejoin: o.lifetime.rejoin, Selection: o.selection,
		// Others can have the identity only where it is not made up here.
		Yield: o.others != othersBeside && o.identity != "", Replace: o.others == othersReplace,
	}
	var err error
	if j.Token, err = valueOrFile("token", o.token, o.tokenFile); err != nil {
		return j, err
	}
	if j.APISecret, err = valueOrFile("api-secret", o.apiSecret, o.apiSecretFile); err != nil {
		return j, err
	}
	if o.tokenCommand != "" {
		j.TokenFunc = tokenCommand(o.tokenCommand, e.Stderr)
	}
	if len(o.tokenProgram) > 0 {
		j.TokenFunc = tokenProgram(o.tokenProgram, roomQuestion{Room: o.room, Identity: o.identity, Name: o.name})
	}
	if o.token+o.apiSecret != "" {
		e.Warnf("a secret in the command line can be read by everyone on this machine; use %s or %s", flags.TokenVar, flags.APISecretVar)
	}
	e.WarnPlainRoom(j.URL)
	if j.APISecret == "" {
		j.APISecret = o.envSecret
	}
	if j.Token == "" && j.APISecret == "" && j.TokenFunc == nil {
		j.Token = o.envToken
	}
	if j.Identity == "" {
		b := make([]byte, 6)
		rand.Read(b)
		j.Identity = "sealtape-" + hex.EncodeToString(b)
	}
	return j, nil
}

// meeting returns the room. The errors of its Join have hints.
func (o *recordOptions) meeting(e *ui.Env, k *livekitroom.Keys) (bot.Meeting, error) {
	join, err := o.joinConfig(e)
	if err != nil {
		return bot.Meeting{}, err
	}
	m := livekitroom.Meeting(join, k)
	enter := m.Join
	m.Join = func(ctx context.Context, p bot.Presence) (bot.Room, error) {
		room, err := enter(ctx, p)
		return room, explainJoin(err)
	}
	return m, nil
}

// valueOrFile returns the value of a flag, or what the file holds that the flag of
// the same name with -file at its end names.
func valueOrFile(name, value, file string) (string, error) {
	if file == "" {
		return value, nil
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
	return secretIn(f, path)
}

// readSecretOrInput does the same, and reads standard input for "-".
func readSecretOrInput(e *ui.Env, path string) ([]byte, error) {
	if path == "-" {
		return secretIn(e.Stdin, "standard input")
	}
	return readSecret(path)
}

// secretIn reads one secret, without the line's end.
func secretIn(r io.Reader, name string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	if err != nil {
		return nil, err
	}
	b = bytes.TrimRight(b, "\r\n")
	if len(b) == 0 || len(b) > maxSecret {
		return nil, fmt.Errorf("%s is empty or longer than %d bytes", name, maxSecret)
	}
	return b, nil
}
