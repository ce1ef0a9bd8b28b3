package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
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

// A hintError is an error with the remedy.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// hinted returns err with a line, or several, that says what to do about it. It takes the
// place of the hint that errors.go knows for err, if any.
func hinted(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hintError{err, hint}
}

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

// usagef returns a usageError of the running command.
func usagef(c *cli.Context, format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...), commandPath(c)}
}

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
func explain(err error) (code int, hints []string) {
	code, hint := known(err)
	var x *exitError
	if errors.As(err, &x) {
		code = x.code
	}
	var h *hintError
	if errors.As(err, &h) {
		hint = h.hint
	}
	if hint != "" {
		hints = strings.Split(hint, "\n")
	}
	var u usageError
	if errors.As(err, &u) {
		var in *commandError
		if u.command == "" && errors.As(err, &in) {
			u.command = in.command
		}
		hints = append(hints, "see "+cmp.Or(u.command, "sealtape")+" --help")
	}
	return code, hints
}

// pinHint is for what no recorder signed whose card is pinned.
const pinHint = "if you know who recorded, pin their card: sealtape keys add --recorder FILE"

// known maps the errors of the packages to exit codes and hints.
func known(err error) (code int, hint string) {
	var (
		usage     usageError
		cliExit   cli.ExitCoder
		perm      *keys.PermissionError
		ambiguous *archive.AmbiguousError
		corrupt   *archive.CorruptError
		back      *archive.RollbackError
		fork      *archive.ForkError
	)
	switch {
	case errors.As(err, &usage), errors.As(err, &cliExit):
		return exitUsage, ""
	case errors.Is(err, context.Canceled):
		return exitFailed, ""
	case errors.As(err, &perm):
		return exitFailed, fmt.Sprintf("chmod %04o %s", perm.Want, perm.Path)

	case errors.Is(err, keys.ErrNoIdentity):
		return exitFailed, "sealtape keys init --name NAME makes one"
	case errors.Is(err, keys.ErrIdentityExists):
		return exitFailed, "an identity is never overwritten; for a second one, set SEALTAPE_HOME to another folder"
	case errors.Is(err, keys.ErrPassphrase):
		return exitFailed, "try again; without the passphrase the identity is lost, there is no other way in"
	case errors.Is(err, keys.ErrCardSignature):
		return exitUnverified, "the card was changed or damaged on its way; ask its owner for it again, and compare the fingerprint"
	case errors.Is(err, keys.ErrBadName):
		return exitFailed, "a name has 1 to 64 printable characters and single spaces"
	case errors.Is(err, keys.ErrBadCard):
		return exitFailed, "a card is the file that sealtape keys card -o FILE writes"
	case errors.Is(err, keys.ErrNameTaken):
		return exitUnverified, "ask them, and not by the way this card came; if they made new keys or have another device: sealtape keys approve on their old one. If the old key is lost: sealtape keys remove NAME, then compare the words of the new card"
	case errors.Is(err, keys.ErrKeyTaken):
		return exitFailed, "to rename someone, sealtape keys remove the old name first"
	case errors.Is(err, keys.ErrOtherName):
		return exitFailed, "another device of yours has a card of the same name: sealtape keys init --name NAME --device DEVICE"
	case errors.Is(err, keys.ErrOtherRole):
		return exitUnverified, "a key keeps its role; if that is meant to change: sealtape keys remove NAME, then compare the words of the new card"
	case errors.Is(err, keys.ErrExpired):
		return exitFailed, "ask its owner for a new card: sealtape keys renew, then sealtape keys card"
	case errors.Is(err, keys.ErrRevoked):
		return exitUnverified, "its owner took it back: ask them for the card that they use now"
	case errors.Is(err, keys.ErrDoubted):
		return exitUnverified, "compare its words with its owner: sealtape keys add CARD; or ask for the card, approved by a key of theirs that counts"
	case errors.Is(err, keys.ErrReplaced):
		return exitFailed, "ask its owner for the card that they use now"
	case errors.Is(err, keys.ErrBadRevocation):
		return exitUnverified, "a revocation is signed by the key that it takes back, or by another card of its owner that you pinned"
	case errors.Is(err, keys.ErrNoMember):
		return exitFailed, "sealtape keys list shows the names"

	case errors.Is(err, archive.ErrNoStore):
		return exitFailed, "check the name; sealtape record makes a folder, a bucket you make yourself"
	case errors.Is(err, archive.ErrDenied) && errors.Is(err, syscall.EROFS):
		return exitFailed, "the folder is on a file system that is read-only"
	case errors.Is(err, archive.ErrDenied) && errors.Is(err, fs.ErrPermission):
		return exitFailed, "check who owns the folder and what is in it, and their modes"
	case errors.Is(err, archive.ErrDenied):
		return exitFailed, "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what that key may do (sealtape doctor --policy)"
	case errors.Is(err, archive.ErrRefused):
		return exitFailed, "sealtape doctor --store STORE tries what the store can do"
	case errors.Is(err, archive.ErrNotFound):
		return exitFailed, "sealtape list shows what the store holds"
	case errors.Is(err, tape.ErrNoHead):
		return exitUnverified, "it is being uploaded, or what signs it was removed; sealtape verify says what is there"
	case errors.Is(err, archive.ErrForeignSigner):
		return exitUnverified, pinHint
	case errors.As(err, &back), errors.As(err, &fork):
		return exitUnverified, "the store shows another state than it did before: look for a copy, and ask who can write to it"
	case errors.As(err, &corrupt), errors.Is(err, playback.ErrForeign):
		return exitUnverified, "sealtape verify ID says what is wrong"
	case errors.Is(err, archive.ErrRevokedGrant):
		return exitUnverified, "ask another who can open it, or its owner by the key that they use now, to share it with you again"
	case errors.Is(err, archive.ErrMoreShares):
		return exitNoKey, "if someone shared it with you, ask them for the name that sealtape share printed, and give that for the ID"
	case errors.Is(err, archive.ErrNoKey):
		return exitNoKey, "only its readers can open it; sealtape keys show says who you are here"
	case errors.Is(err, playback.ErrNothing):
		return exitIncomplete, "sealtape info ID says why nothing was recorded"
	case errors.Is(err, playback.ErrFFmpegMissing):
		return exitFailed, "install ffmpeg, on Debian by apt install ffmpeg; --format mkv and tracks do without"
	case errors.Is(err, playback.ErrFFmpegLacks):
		return exitFailed, "install an ffmpeg that has it, as Debian's does; --format mkv and tracks do without"
	case errors.As(err, &ambiguous):
		return exitFailed, "give more characters of the ID"
	case errors.Is(err, fs.ErrExist):
		return exitFailed, "nothing is overwritten; choose another name"
	case errors.Is(err, fs.ErrPermission):
		return exitFailed, "check who owns it and its mode"
	}
	return exitFailed, ""
}
