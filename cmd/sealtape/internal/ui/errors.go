package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

// The exit codes are a contract: scripts use them.
const (
	ExitFailed     = 1 // it did not work
	ExitUsage      = 2 // the command line makes no sense
	ExitIncomplete = 3 // the recording is not closed or has a hole of a second or more
	ExitUnverified = 4 // something is not what its signature says
	ExitNoKey      = 5 // no key of yours opens it
	ExitElsewhere  = 6 // another recorder records the room
)

// An exitError is an error with an exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// ExitWith returns err with the code to exit with. A nil err exits without
// another word, where all was said.
func ExitWith(code int, err error) error { return &exitError{code, err} }

// A UsageError is a command line that makes no sense. Its command is the one
// whose help says how it should be.
type UsageError struct {
	Err     error
	Command string
}

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Misuse returns a usageError of the command that runs.
func Misuse(format string, args ...any) error {
	return UsageError{fmt.Errorf(format, args...), ""}
}

// A CommandError is an error of the command of this name.
type CommandError struct {
	Err     error
	Command string
}

func (e *CommandError) Error() string { return e.Err.Error() }
func (e *CommandError) Unwrap() error { return e.Err }

// Explain returns the exit code of err and the hints for it.
func Explain(err error) (code int, hints []Hint) {
	code, h := Known(err)
	var x *exitError
	if errors.As(err, &x) {
		code = x.code
	}
	if h.Why != "" {
		hints = []Hint{h}
	}
	var given *HintError
	if errors.As(err, &given) {
		hints = given.hints
	}
	var u UsageError
	if errors.As(err, &u) {
		var in *CommandError
		if u.Command == "" && errors.As(err, &in) {
			u.Command = in.Command
		}
		hints = append(slices.Clip(hints), Hint{Why: "see " + cmp.Or(u.Command, "sealtape") + " --help"})
	}
	return code, hints
}

// is reports of an error whether it is one of targets.
func is(targets ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
	}
}

// As reports of an error whether it is of a type.
func As[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// both reports of an error whether it is two at once.
func both(a, b error) func(error) bool {
	return func(err error) bool { return errors.Is(err, a) && errors.Is(err, b) }
}

// Known returns the exit code of what the packages return, and what to do about
// it: the first line of answers that fits.
func Known(err error) (code int, h Hint) {
	var perm *keys.PermissionError
	if errors.As(err, &perm) && !As[UsageError](err) {
		return ExitFailed, PermissionHint(perm)
	}
	for _, a := range answers {
		if a.fits(err) {
			return a.code, a.hint
		}
	}
	return ExitFailed, Hint{}
}

var answers = []struct {
	fits func(error) bool
	code int
	hint Hint
}{
	{As[UsageError], ExitUsage, Hint{}},
	{As[cli.ExitCoder], ExitUsage, Hint{}},
	{is(context.Canceled), ExitFailed, Hint{}},

	{is(keys.ErrNoIdentity), ExitFailed, Hint{"make your keys, once", []string{"sealtape keys init --name NAME"}}},
	{is(keys.ErrIdentityExists), ExitFailed, Hint{Why: "an identity is never overwritten; for a second one, set SEALTAPE_HOME to another folder"}},
	{is(keys.ErrPassphrase), ExitFailed, Hint{Why: "try again; without the passphrase the identity is lost, there is no other way in"}},
	{is(keys.ErrCardSignature), ExitUnverified, Hint{Why: "the card was changed or damaged on its way; ask its owner for it again, and compare the fingerprint"}},
	{is(keys.ErrBadName), ExitFailed, Hint{Why: "a name has 1 to 64 printable characters and single spaces"}},
	{is(keys.ErrBadCard), ExitFailed, Hint{"a card is the file that its owner writes", []string{"sealtape keys card -o FILE"}}},
	{is(keys.ErrNameTaken), ExitUnverified, Hint{"ask them, and not by the way this card came. If they made new keys or have another device, their old key approves this card; if it is lost, unpin the old card, then compare the words of the new one",
		[]string{"sealtape keys approve CARD -o FILE", "sealtape keys remove NAME"}}},
	{is(keys.ErrKeyTaken), ExitFailed, Hint{"to rename someone, remove the old name first", []string{"sealtape keys remove NAME"}}},
	{is(keys.ErrOtherName), ExitFailed, Hint{"another device of yours has a card of the same name", []string{"sealtape keys init --name NAME --device DEVICE"}}},
	{is(keys.ErrOtherRole), ExitUnverified, Hint{"a key keeps its role; if that is meant to change, unpin the card, then compare the words of the new one", []string{"sealtape keys remove NAME"}}},
	{is(keys.ErrExpired), ExitFailed, Hint{"ask its owner for a new card, which they make so", []string{"sealtape keys renew --expires 2y", "sealtape keys card -o FILE"}}},
	{is(keys.ErrRevoked), ExitUnverified, Hint{Why: "its owner took it back: ask them for the card that they use now"}},
	{is(keys.ErrDoubted), ExitUnverified, Hint{"compare its words with its owner, or ask for the card, approved by a key of theirs that counts", []string{"sealtape keys add CARD"}}},
	{is(keys.ErrReplaced), ExitFailed, Hint{Why: "ask its owner for the card that they use now"}},
	{is(keys.ErrBadRevocation), ExitUnverified, Hint{Why: "a revocation is signed by the key that it takes back, or by another card of its owner that you pinned"}},
	{is(keys.ErrNoMember), ExitFailed, Hint{"see which names are pinned", []string{"sealtape keys list"}}},

	{is(archive.ErrNoStore), ExitFailed, Hint{Why: "check the name; sealtape record makes a folder, a bucket you make yourself"}},
	{is(archive.ErrExpired), ExitFailed, Hint{Why: "ask who gave it to you for new access"}},
	{both(archive.ErrDenied, syscall.EROFS), ExitFailed, Hint{Why: "the folder is on a file system that is read-only"}},
	{both(archive.ErrDenied, fs.ErrPermission), ExitFailed, Hint{Why: "check who owns the folder and what is in it, and their modes"}},
	{is(archive.ErrDenied), ExitFailed, Hint{"check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what that key may do", []string{"sealtape doctor --policy --store STORE"}}},
	{is(archive.ErrRefused), ExitFailed, Hint{"try what the store can do", []string{"sealtape doctor --store STORE"}}},
	{is(archive.ErrNotFound), ExitFailed, Hint{"see what the store holds", []string{"sealtape list"}}},
	{is(tape.ErrNoHead), ExitUnverified, Hint{"it is being uploaded, or what signs it was removed; see what is there", []string{"sealtape verify ID"}}},
	{is(archive.ErrForeignSigner), ExitUnverified, PinHint},
	{As[*archive.RollbackError], ExitUnverified, rollbackHint},
	{As[*archive.ForkError], ExitUnverified, rollbackHint},
	{As[*archive.CorruptError], ExitUnverified, VerifyHint("ID")},
	{is(playback.ErrForeign), ExitUnverified, VerifyHint("ID")},
	{is(archive.ErrRevokedGrant), ExitUnverified, grantHint},
	{is(archive.ErrMoreShares), ExitNoKey, Hint{Why: "if someone shared it with you, ask them for the name that sealtape share printed, and give that for the ID"}},
	{both(archive.ErrNoKey, archive.ErrNotListed), ExitNoKey, Hint{Why: "if someone shared it with you, ask them for a link that names the share"}},
	{is(archive.ErrNoKey), ExitNoKey, readersHint},
	{is(archive.ErrNotListed), ExitFailed, Hint{Why: "give the whole ID, and the name of the share if there is one"}},
	{is(playback.ErrNothing), ExitIncomplete, Hint{"see why nothing was recorded", []string{"sealtape info ID"}}},
	{is(playback.ErrFFmpegMissing), ExitFailed, Hint{"install ffmpeg, on Debian so; mkv, tracks, vtt and txt do without", []string{"apt install ffmpeg"}}},
	{is(playback.ErrFFmpegLacks), ExitFailed, Hint{Why: "install an ffmpeg that has it, as Debian's does; mkv, tracks, vtt and txt do without"}},
	{is(playback.ErrEncoder), ExitFailed, Hint{Why: "--encoder auto takes software where no hardware works"}},
	{As[*archive.AmbiguousError], ExitFailed, Hint{Why: "give more characters of the ID"}},
	{is(fs.ErrExist), ExitFailed, Hint{Why: "nothing is overwritten; choose another name"}},
	{is(fs.ErrPermission), ExitFailed, Hint{Why: "check who owns it and its mode"}},
}
