package main

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
	exitFailed     = 1 // it did not work
	exitUsage      = 2 // the command line makes no sense
	exitIncomplete = 3 // the recording is not closed or has a hole of a second or more
	exitUnverified = 4 // something is not what its signature says
	exitNoKey      = 5 // no key of yours opens it
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

// exitWith returns err with the code to exit with. A nil err exits without
// another word, where all was said.
func exitWith(code int, err error) error { return &exitError{code, err} }

// A usageError is a command line that makes no sense. Its command is the one
// whose help says how it should be.
type usageError struct {
	err     error
	command string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// misuse returns a usageError of the command that runs.
func misuse(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...), ""}
}

// A commandError is an error of the command of this name.
type commandError struct {
	err     error
	command string
}

func (e *commandError) Error() string { return e.err.Error() }
func (e *commandError) Unwrap() error { return e.err }

// explain returns the exit code of err and the hints for it.
func explain(err error) (code int, hints []hint) {
	code, h := known(err)
	var x *exitError
	if errors.As(err, &x) {
		code = x.code
	}
	if h.why != "" {
		hints = []hint{h}
	}
	var given *hintError
	if errors.As(err, &given) {
		hints = given.hints
	}
	var u usageError
	if errors.As(err, &u) {
		var in *commandError
		if u.command == "" && errors.As(err, &in) {
			u.command = in.command
		}
		hints = append(slices.Clip(hints), hint{why: "see " + cmp.Or(u.command, "sealtape") + " --help"})
	}
	return code, hints
}

// is reports of an error whether it is one of targets.
func is(targets ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
	}
}

// as reports of an error whether it is of a type.
func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// both reports of an error whether it is two at once.
func both(a, b error) func(error) bool {
	return func(err error) bool { return errors.Is(err, a) && errors.Is(err, b) }
}

// known returns the exit code of what the packages return, and what to do about
// it: the first line of answers that fits.
func known(err error) (code int, h hint) {
	var perm *keys.PermissionError
	if errors.As(err, &perm) && !as[usageError](err) {
		return exitFailed, permissionHint(perm)
	}
	for _, a := range answers {
		if a.fits(err) {
			return a.code, a.hint
		}
	}
	return exitFailed, hint{}
}

var answers = []struct {
	fits func(error) bool
	code int
	hint hint
}{
	{as[usageError], exitUsage, hint{}},
	{as[cli.ExitCoder], exitUsage, hint{}},
	{is(context.Canceled), exitFailed, hint{}},

	{is(keys.ErrNoIdentity), exitFailed, hint{"make your keys, once", []string{"sealtape keys init --name NAME"}}},
	{is(keys.ErrIdentityExists), exitFailed, hint{why: "an identity is never overwritten; for a second one, set SEALTAPE_HOME to another folder"}},
	{is(keys.ErrPassphrase), exitFailed, hint{why: "try again; without the passphrase the identity is lost, there is no other way in"}},
	{is(keys.ErrCardSignature), exitUnverified, hint{why: "the card was changed or damaged on its way; ask its owner for it again, and compare the fingerprint"}},
	{is(keys.ErrBadName), exitFailed, hint{why: "a name has 1 to 64 printable characters and single spaces"}},
	{is(keys.ErrBadCard), exitFailed, hint{"a card is the file that its owner writes", []string{"sealtape keys card -o FILE"}}},
	{is(keys.ErrNameTaken), exitUnverified, hint{"ask them, and not by the way this card came. If they made new keys or have another device, their old key approves this card; if it is lost, unpin the old card, then compare the words of the new one",
		[]string{"sealtape keys approve CARD -o FILE", "sealtape keys remove NAME"}}},
	{is(keys.ErrKeyTaken), exitFailed, hint{"to rename someone, remove the old name first", []string{"sealtape keys remove NAME"}}},
	{is(keys.ErrOtherName), exitFailed, hint{"another device of yours has a card of the same name", []string{"sealtape keys init --name NAME --device DEVICE"}}},
	{is(keys.ErrOtherRole), exitUnverified, hint{"a key keeps its role; if that is meant to change, unpin the card, then compare the words of the new one", []string{"sealtape keys remove NAME"}}},
	{is(keys.ErrExpired), exitFailed, hint{"ask its owner for a new card, which they make so", []string{"sealtape keys renew --expires 2y", "sealtape keys card -o FILE"}}},
	{is(keys.ErrRevoked), exitUnverified, hint{why: "its owner took it back: ask them for the card that they use now"}},
	{is(keys.ErrDoubted), exitUnverified, hint{"compare its words with its owner, or ask for the card, approved by a key of theirs that counts", []string{"sealtape keys add CARD"}}},
	{is(keys.ErrReplaced), exitFailed, hint{why: "ask its owner for the card that they use now"}},
	{is(keys.ErrBadRevocation), exitUnverified, hint{why: "a revocation is signed by the key that it takes back, or by another card of its owner that you pinned"}},
	{is(keys.ErrNoMember), exitFailed, hint{"see which names are pinned", []string{"sealtape keys list"}}},

	{is(archive.ErrNoStore), exitFailed, hint{why: "check the name; sealtape record makes a folder, a bucket you make yourself"}},
	{both(archive.ErrDenied, syscall.EROFS), exitFailed, hint{why: "the folder is on a file system that is read-only"}},
	{both(archive.ErrDenied, fs.ErrPermission), exitFailed, hint{why: "check who owns the folder and what is in it, and their modes"}},
	{is(archive.ErrDenied), exitFailed, hint{"check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what that key may do", []string{"sealtape doctor --policy --store STORE"}}},
	{is(archive.ErrRefused), exitFailed, hint{"try what the store can do", []string{"sealtape doctor --store STORE"}}},
	{is(archive.ErrNotFound), exitFailed, hint{"see what the store holds", []string{"sealtape list"}}},
	{is(tape.ErrNoHead), exitUnverified, hint{"it is being uploaded, or what signs it was removed; see what is there", []string{"sealtape verify ID"}}},
	{is(archive.ErrForeignSigner), exitUnverified, pinHint},
	{as[*archive.RollbackError], exitUnverified, rollbackHint},
	{as[*archive.ForkError], exitUnverified, rollbackHint},
	{as[*archive.CorruptError], exitUnverified, verifyHint("ID")},
	{is(playback.ErrForeign), exitUnverified, verifyHint("ID")},
	{is(archive.ErrRevokedGrant), exitUnverified, grantHint},
	{is(archive.ErrMoreShares), exitNoKey, hint{why: "if someone shared it with you, ask them for the name that sealtape share printed, and give that for the ID"}},
	{is(archive.ErrNoKey), exitNoKey, readersHint},
	{is(playback.ErrNothing), exitIncomplete, hint{"see why nothing was recorded", []string{"sealtape info ID"}}},
	{is(playback.ErrFFmpegMissing), exitFailed, hint{"install ffmpeg, on Debian so; --format mkv and tracks do without", []string{"apt install ffmpeg"}}},
	{is(playback.ErrFFmpegLacks), exitFailed, hint{why: "install an ffmpeg that has it, as Debian's does; --format mkv and tracks do without"}},
	{as[*archive.AmbiguousError], exitFailed, hint{why: "give more characters of the ID"}},
	{is(fs.ErrExist), exitFailed, hint{why: "nothing is overwritten; choose another name"}},
	{is(fs.ErrPermission), exitFailed, hint{why: "check who owns it and its mode"}},
}
