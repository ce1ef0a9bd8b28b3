package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
)

// keyFileHelp describes --e2ee-key-file.
const keyFileHelp = `A room that has more than a passphrase needs --e2ee-key-file, a file of JSON:
    {"shared": {"0": {"passphrase": "..."}}}
    {"participants": {"ada": {"0": {"key": "base64"}, "1": {"key": "base64"}}},
     "bits": 256, "ratchetWindow": 8}
Keys stand under their index, 0 to 255: of the room, or of each identity in it.
A key is a passphrase (PBKDF2) or 16 to 64 bytes (HKDF), as in livekit-client;
"derivation": "pbkdf2" or "hkdf" says otherwise for all, "salt" replaces
LKFrameEncryptionKey. bits is 128 or 256. Only its owner may be able to read
the file. SIGHUP makes it be read again, for keys that change in a meeting.`

// openRoomKeys returns the room's keys, nil for --no-e2ee.
func openRoomKeys(c *cli.Context) (*livekitroom.Keys, error) {
	passphraseFile, keyFile, env := c.String("e2ee-passphrase-file"), c.String("e2ee-key-file"), os.Getenv(e2eePassphraseVar)
	const one = "give one of --e2ee-passphrase-file, --e2ee-key-file and --no-e2ee"
	switch {
	case c.Bool("no-e2ee") && passphraseFile != "":
		return nil, hinted(usagef(c, "--no-e2ee and --e2ee-passphrase-file exclude each other"), one)
	case c.Bool("no-e2ee") && keyFile != "":
		return nil, hinted(usagef(c, "--no-e2ee and --e2ee-key-file exclude each other"), one)
	case passphraseFile != "" && keyFile != "":
		return nil, hinted(usagef(c, "--e2ee-passphrase-file and --e2ee-key-file exclude each other"), one)
	case c.Bool("no-e2ee"):
		return nil, nil
	case keyFile != "":
		k, err := livekitroom.ReadKeys(keyFile)
		if err != nil {
			return nil, explainKeyFile(c, err)
		}
		return k, nil
	case passphraseFile != "":
		b, err := readSecret(passphraseFile)
		if err != nil {
			return nil, fmt.Errorf("room passphrase: %w", err)
		}
		return livekitroom.PassphraseKeys(b)
	case env != "":
		return livekitroom.PassphraseKeys([]byte(env))
	}
	return nil, hinted(usagef(c, "the room's end-to-end passphrase is missing"),
		"give --e2ee-passphrase-file FILE or "+e2eePassphraseVar+", or --e2ee-key-file FILE; for a room without end-to-end encryption, --no-e2ee")
}

// explainKeyFile gives the errors of a key file their hints. Whatever is wrong
// with it, the command line names what cannot be used.
func explainKeyFile(c *cli.Context, err error) error {
	var perm *keys.PermissionError
	hint := "sealtape record --help shows what a key file says"
	switch {
	case errors.As(err, &perm):
		hint = fmt.Sprintf("chmod %04o %s", perm.Want, perm.Path)
	case !errors.Is(err, livekitroom.ErrKeyFile):
		hint = "check the name, who owns it and its mode"
	}
	return hinted(usagef(c, "--e2ee-key-file: %w", err), hint)
}

// watchKeys reads the key file again at each SIGHUP, until the returned function is
// called, which waits for it. Nobody is named in the log, and no key.
func watchKeys(ctx context.Context, k *livekitroom.Keys, log *slog.Logger) (stop func()) {
	if k == nil || !k.FromFile() {
		return func() {}
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
			}
			n, err := k.Reload()
			if err != nil {
				log.Warn("the key file was not taken; the keys are what they were", "err", err)
				continue
			}
			log.Info("the key file was read again", "set", n.Set, "removed", n.Removed)
		}
	}()
	return func() {
		signal.Stop(hup)
		cancel()
		<-done
	}
}
