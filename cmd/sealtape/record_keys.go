package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
)

// keyFileHelp describes --e2ee-key-file.
const keyFileHelp = `If one passphrase is not enough, use --e2ee-key-file, a file of JSON such as one of these:
    {"shared": {"0": {"passphrase": "..."}}}
    {"participants": {"ada": {"0": {"key": "base64"}, "1": {"key": "base64"}}},
     "bits": 256, "ratchetWindow": 8}
Each key has an index from 0 to 255. Keys are shared, or of an identity in the room. A key is
a passphrase, from which PBKDF2 derives the key in use, or 16 to 64 bytes for HKDF, as in
livekit-client. "derivation" sets one of "pbkdf2" and "hkdf" for all keys. "salt" replaces
LKFrameEncryptionKey. "bits" is 128 or 256. Nobody but its owner may be able to read the
file. On SIGHUP, the command reads it again, because keys may change during a meeting.`

// memberKeysHelp describes --room-keys.
const memberKeysHelp = `With --room-keys members, the members' clients make the room's keys, and no passphrase and no
server has any. The recorder joins without a key. It proves its card, as all members do, and
gets the key of each member who has pinned that card and agreed to this recording. What a member sends
before that, or after taking it back, cannot be decrypted by the recorder, and is a hole,
"consent", that makes no recording incomplete. The timeline has what each member signed.`

// readRoomKeys returns the room's keys. They are nil for a room without encryption.
func (o *recordOptions) readRoomKeys() (*livekitroom.Keys, error) {
	switch {
	case o.noE2EE:
		return nil, nil
	case o.roomKeys == keysOfMembers:
		return livekitroom.MemberKeys(), nil
	case o.keyFile != "":
		k, err := livekitroom.ReadKeys(o.keyFile)
		if err != nil {
			return nil, explainKeyFile(err)
		}
		return k, nil
	case o.passphraseFile != "":
		b, err := readSecret(o.passphraseFile)
		if err != nil {
			return nil, fmt.Errorf("room passphrase: %w", err)
		}
		return livekitroom.PassphraseKeys(b)
	}
	return livekitroom.PassphraseKeys([]byte(o.envPassphrase))
}

// explainKeyFile adds hints to the errors of a key file. All of them are errors of usage:
// the command line names a file that cannot be used.
func explainKeyFile(err error) error {
	var perm *keys.PermissionError
	toDo := ui.Hint{Why: "sealtape record --help shows what a key file says"}
	switch {
	case errors.As(err, &perm):
		toDo = ui.PermissionHint(perm)
	case !errors.Is(err, livekitroom.ErrKeyFile):
		toDo = ui.Hint{Why: "check the name, who owns it and its mode"}
	}
	return ui.WithHints(ui.Misuse("--e2ee-key-file: %w", err), toDo)
}

// watchKeys starts a worker in g that reads the key file again at each SIGHUP. It logs
// neither names nor keys.
func watchKeys(ctx context.Context, g *workers.Group, k *livekitroom.Keys, log *slog.Logger) {
	if k == nil || !k.FromFile() {
		return
	}
	atHangUp(ctx, g, func() {
		n, err := k.Reload()
		if err != nil {
			log.Warn("the key file was not taken; the keys are what they were", "err", err)
			return
		}
		log.Info("the key file was read again", "set", n.Set, "removed", n.Removed)
	})
}
