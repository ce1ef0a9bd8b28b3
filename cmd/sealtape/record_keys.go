package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
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

// roomKeys are the end-to-end keys of the room, as the flags say.
type roomKeys struct {
	provider recorder.KeyProvider
	path     string // "" unless they come from a key file

	mu   sync.Mutex
	file *keyFile // as it was read last
}

// openRoomKeys returns the room's keys, nil for --no-e2ee.
func openRoomKeys(c *cli.Context) (*roomKeys, error) {
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
		k, err := loadRoomKeys(keyFile)
		if err != nil {
			return nil, explainKeyFile(c, err)
		}
		return k, nil
	case passphraseFile != "":
		b, err := readSecret(passphraseFile)
		if err != nil {
			return nil, fmt.Errorf("room passphrase: %w", err)
		}
		return passphraseKeys(b)
	case env != "":
		return passphraseKeys([]byte(env))
	}
	return nil, hinted(usagef(c, "the room's end-to-end passphrase is missing"),
		"give --e2ee-passphrase-file FILE or "+e2eePassphraseVar+", or --e2ee-key-file FILE; for a room without end-to-end encryption, --no-e2ee")
}

func passphraseKeys(passphrase []byte) (*roomKeys, error) {
	defer clear(passphrase)
	ring := frame.NewKeyring(0, frame.KeyOptions{Explain: true})
	if err := ring.SetPassphrase(0, passphrase); err != nil {
		return nil, fmt.Errorf("room passphrase: %w", err)
	}
	return &roomKeys{provider: recorder.SharedKeys(ring)}, nil
}

// explainKeyFile gives the errors of a key file their hints. Whatever is wrong
// with it, the command line names what cannot be used.
func explainKeyFile(c *cli.Context, err error) error {
	var perm *keys.PermissionError
	hint := "sealtape record --help shows what a key file says"
	switch {
	case errors.As(err, &perm):
		hint = fmt.Sprintf("chmod %04o %s", perm.Want, perm.Path)
	case !errors.Is(err, errKeyFile):
		hint = "check the name, who owns it and its mode"
	}
	return hinted(usagef(c, "--e2ee-key-file: %w", err), hint)
}

// loadRoomKeys reads a key file and derives its keys.
func loadRoomKeys(path string) (*roomKeys, error) {
	f, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	k := &roomKeys{path: path}
	if f.shared != nil {
		k.provider = recorder.SharedKeys(frame.NewKeyring(keyIndexes, f.options()))
	} else {
		k.provider = recorder.NewParticipantKeys(keyIndexes, f.options())
	}
	k.file = &keyFile{}
	if _, err := k.take(f); err != nil {
		return nil, err
	}
	return k, nil
}

// A keyChange counts what reading a key file again came to.
type keyChange struct{ set, removed int }

// reload reads the key file again. On an error all stays as it was.
func (k *roomKeys) reload() (keyChange, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := readKeyFile(k.path)
	if err != nil {
		return keyChange{}, err
	}
	if f.bits != k.file.bits || f.salt != k.file.salt || f.window != k.file.window || (f.shared == nil) != (k.file.shared == nil) {
		return keyChange{}, fmt.Errorf("%w for this recording: bits, salt, ratchetWindow and whose keys they are cannot change while it runs", errKeyFile)
	}
	return k.take(f)
}

// take makes the rings hold what f says. A key that f says as the file did before
// is left alone: a ratchet may have moved it on.
func (k *roomKeys) take(f *keyFile) (n keyChange, err error) {
	before, now := k.file.rings(), f.rings()
	for identity, ring := range now {
		for _, index := range slices.Sorted(maps.Keys(ring)) {
			if old, ok := before[identity][index]; ok && old == ring[index] {
				continue
			}
			if err := k.provider.Keyring(identity).SetRaw(index, []byte(ring[index].material), ring[index].derivation); err != nil {
				return n, err
			}
			n.set++
		}
	}
	for identity, ring := range before {
		for index := range ring {
			if _, ok := now[identity][index]; !ok {
				k.provider.Keyring(identity).Remove(index)
				n.removed++
			}
		}
	}
	k.file = f
	return n, nil
}

// rings returns the keys by identity, "" for those that are shared.
func (f *keyFile) rings() map[string]map[int]roomKey {
	all := maps.Clone(f.participants)
	if all == nil {
		all = make(map[string]map[int]roomKey)
	}
	if f.shared != nil {
		all[""] = f.shared
	}
	return all
}

// watch reads the key file again at each SIGHUP, until the returned function is
// called, which waits for it. Nobody is named in the log, and no key.
func (k *roomKeys) watch(ctx context.Context, log *slog.Logger) (stop func()) {
	if k == nil || k.path == "" {
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
			n, err := k.reload()
			if err != nil {
				log.Warn("the key file was not taken; the keys are what they were", "err", err)
				continue
			}
			log.Info("the key file was read again", "set", n.set, "removed", n.removed)
		}
	}()
	return func() {
		signal.Stop(hup)
		cancel()
		<-done
	}
}
