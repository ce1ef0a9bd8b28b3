package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
)

// What to do about what went wrong is here, and in the table of errors.go.

// A hint says what to do: in a sentence, and by commands that are ready to copy.
type hint struct {
	why string // "" is no hint
	run []string
}

// String returns the hint in one line.
func (h hint) String() string {
	if len(h.run) == 0 {
		return h.why
	}
	return h.why + ": " + strings.Join(h.run, "; ")
}

// lines returns the hint for people, each command alone on a line.
func (h hint) lines() []string {
	lines := []string{"hint: " + clean(h.why)}
	for _, command := range h.run {
		lines = append(lines, "    "+clean(command))
	}
	return lines
}

// texts returns each hint in one line.
func texts(hints []hint) []string {
	var all []string
	for _, h := range hints {
		all = append(all, h.String())
	}
	return all
}

// A hintError is an error with what to do about it.
type hintError struct {
	err   error
	hints []hint
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// hinted returns err with what to do about it, in place of what errors.go knows.
func hinted(err error, why string, run ...string) error {
	return withHints(err, hint{why, run})
}

// withHints returns err with several things to do about it.
func withHints(err error, hints ...hint) error {
	if err == nil {
		return nil
	}
	return &hintError{err, hints}
}

var (
	// pinHint is for what no recorder signed whose card is pinned.
	pinHint = hint{"if you know who recorded, pin their card", []string{"sealtape keys add --recorder FILE"}}
	// memberHint is for what a member has signed as if they recorded.
	memberHint = hint{why: "only a recorder's key signs recordings: ask them about it, and look for a copy that the recorder signed"}
	// revokedHint is for what only a key signed that was revoked.
	revokedHint = hint{why: "whoever has the key could have made this recording: ask who recorded, and look for a copy from before"}
	// rollbackHint is for a store that shows another past than it did.
	rollbackHint = hint{why: "the store shows another state than it did before: look for a copy, and ask who can write to it"}
	// grantHint is for a grant that does not count.
	grantHint = hint{why: "ask another who can open it, or its owner by the key that they use now, to share it with you again"}
	// readersHint is for what one's keys do not open.
	readersHint = hint{"only its readers can open it; see who you are here", []string{"sealtape keys show"}}
)

// verifyHint is for what is not as it was recorded.
func verifyHint(id string) hint { return hint{"see what is wrong", []string{"sealtape verify " + id}} }

// permissionHint is for a file that others may read or change.
func permissionHint(p *keys.PermissionError) hint {
	return hint{"let nobody else read or change it", []string{fmt.Sprintf("chmod %04o %s", p.Want, shellWord(p.Path))}}
}

// ownHint is for one's own card that does not count, for what err says.
func ownHint(err error) hint {
	switch {
	case errors.Is(err, keys.ErrRevoked):
		return hint{"make new keys: what was sealed to these still opens, and the others compare the words of the new card", []string{"sealtape keys rotate"}}
	case errors.Is(err, keys.ErrExpired):
		return hint{"make another card of the same keys, or new keys", []string{"sealtape keys renew --expires 2y", "sealtape keys rotate --expires 2y"}}
	}
	return hint{"take over the keys that you use now: export them there, import them in a SEALTAPE_HOME of its own", []string{"sealtape keys export -o FILE", "sealtape keys import FILE"}}
}

// shellWord quotes s, so that a shell takes it as one word whatever is in it.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@:,", r)
	}
	if s != "" && !strings.HasPrefix(s, "-") && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// toDo says what to do about the gravest reason.
func (o outcome) toDo() hint {
	switch o.Reasons[0].Lack {
	case tape.LackTrust:
		return revokedHint
	case tape.LackGrant:
		return grantHint
	case tape.LackGenuine:
		return problemHint(o.problems)
	case tape.LackBytes, tape.LackObjects:
		return verifyHint(o.id)
	case tape.LackKey:
		return readersHint
	case tape.LackEnd:
		return hint{"if it is not going on, finish it on the machine that recorded", []string{"sealtape recover --store STORE"}}
	case tape.LackCut:
		return hint{"what there is is genuine; see where it ends", []string{"sealtape info " + o.id}}
	case tape.LackSpan:
		return hint{"it is declared by the recorder; see where and why", []string{"sealtape info " + o.id}}
	case tape.LackStore:
		return hint{why: "try again; the store did not give all of it"}
	}
	return hint{}
}

// problemHint says what to do about the gravest problem.
func problemHint(ps []archive.Problem) hint {
	has := func(kinds ...string) bool {
		return slices.ContainsFunc(ps, func(p archive.Problem) bool { return slices.Contains(kinds, p.Kind) })
	}
	switch {
	case has(problemRevoked):
		return revokedHint
	case has(archive.ProblemForeignSigner):
		return pinHint
	case has(archive.ProblemRolledBack, archive.ProblemForked):
		return rollbackHint
	case has(archive.ProblemMissing, archive.ProblemCorrupt, archive.ProblemTruncated, archive.ProblemSwapped):
		return hint{why: "look for a copy of these objects: an earlier version in the bucket, or the spool of the recorder"}
	case has(playback.ContradictionTags, playback.ContradictionMalformed, playback.ContradictionTrack, playback.ContradictionOrder,
		playback.ContradictionHole, playback.ContradictionKeyFrame, playback.ContradictionIndex):
		return hint{why: "this is what the recorder signed: it erred, or someone with its key made it up; ask who recorded"}
	case has(archive.ProblemUnreadable):
		return hint{why: "try again; the store did not give all of it, or does not let you read it"}
	case has(archive.ProblemAdded):
		return hint{why: "someone wrote to the store; what the recorder signed is not touched by it"}
	}
	return hint{why: "look for a copy, and ask who can write to the store"}
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

// explainEnd returns the error to exit with, if the room ended the recording in
// a way that somebody should look into.
func explainEnd(rep recorder.Report) error {
	switch {
	case errors.Is(rep.Cause, livekit.ErrReplaced):
		return hinted(exitWith(exitFailed, rep.Cause),
			"what was recorded before is kept; every recorder needs an identity of its own: leave --identity out, or see what else uses it")
	case errors.Is(rep.Cause, livekit.ErrHid), errors.Is(rep.Cause, livekit.ErrGagged):
		return hinted(exitWith(exitIncomplete, rep.Cause),
			"what was recorded before is kept; members must see the recorder and hear what it says: ask who runs the server")
	// The meeting may go on without its recorder: whoever starts recorders is to start another.
	case errors.Is(rep.Cause, livekit.ErrToken):
		return hinted(exitWith(exitFailed, rep.Cause), "what was recorded before is kept; with --token-command a recorder can come back at any time")
	case errors.Is(rep.Cause, livekit.ErrLost):
		return hinted(exitWith(exitFailed, rep.Cause), "what was recorded before is kept; --rejoin says for how long the recorder tries to come back")
	}
	return nil
}

// explainRecord gives the errors of recording and storing their hints.
func explainRecord(err error) error {
	var store *bot.StoreError
	var rest *bot.NotStoredError
	switch {
	case errors.As(err, &store):
		return hinted(err, store.Remedy)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return hinted(err, "make room where SEALTAPE_HOME is, or move it; what was recorded before is kept", "sealtape recover --store STORE")
	case errors.Is(err, syscall.EROFS):
		return hinted(err, "the spool cannot be written to: set SEALTAPE_HOME to a folder on a disk that can")
	case errors.As(err, &rest):
		return hinted(err, "it is safe in the spool; once the store works", "sealtape recover --store STORE")
	case errors.Is(err, bot.ErrNobodyLeft):
		return hinted(err, "the cards of all its readers were revoked, replaced or unpinned, or expired: see which", "sealtape keys list")
	case errors.Is(err, bot.ErrReaders):
		return hinted(err, "name those who must read it all; sealtape share and sealtape reseal give it to others afterwards")
	case errors.Is(err, bot.ErrRole):
		return hinted(err, "make a recorder's keys, in a SEALTAPE_HOME of its own", "sealtape keys init --recorder --name NAME")
	}
	return explainSpool(err)
}

// explainSpool gives the errors of copying from the spool their hints.
func explainSpool(err error) error {
	var lack *bot.LackError
	switch {
	case errors.As(err, &lack):
		where := "what is left of it is in " + lack.Where
		if lack.Kept {
			where = "it is kept in " + lack.Where
		}
		run := []string{"sealtape verify " + lack.ID}
		if lack.Others {
			run = append(run, "sealtape repair "+lack.ID+" --store STORE --store STORE")
			where += "; what another store has can be put back"
		}
		return hinted(err, "the rest is stored and can be read; "+where+"; see what is missing", run...)
	case errors.Is(err, archive.ErrElsewhere):
		return hinted(err, "name the store that it was recorded to, which has what is missing here")
	}
	return err
}

// causeHint says what mends it.
func causeHint(cause frame.CauseKind) string {
	const file = "with --e2ee-key-file, "
	switch cause {
	case frame.CausePassphrase:
		return "compare the passphrase with the one that the members use, to the letter"
	case frame.CauseDerivation:
		return file + `"derivation": "hkdf" or "pbkdf2" says how keys are derived`
	case frame.CauseBits:
		return file + `"bits": 128 or 256 says how long keys are`
	case frame.CauseSalt:
		return "leave \"salt\" out of the key file"
	case frame.CauseRatchet:
		return file + `"ratchetWindow": 16 follows members who ratchet`
	case frame.CauseIndex:
		return file + "put the key under the index that the members use"
	case frame.CauseNoKey:
		return "the room is end-to-end encrypted with a key that was not given"
	case frame.CausePlaintext:
		return "let everyone join with end-to-end encryption, or the recorder with --no-e2ee"
	}
	return ""
}

// hint says what to check where no better cause was found, "" where nothing helps.
// nothing is whether no frame at all was kept.
func (r missingReason) hint(nothing, named bool) string {
	who := r.names(named)
	switch r.reason {
	case media.HoleAuth:
		if nothing {
			return "nothing could be decrypted: is this the passphrase that the members use?"
		}
		return fmt.Sprintf("some frames of %s did not open: is their passphrase the one that the others use?", who)
	case media.HoleNoKey:
		return fmt.Sprintf("%s: end-to-end encrypted with a key that was not given", who)
	case media.HolePlaintext:
		return fmt.Sprintf("%s published without end-to-end encryption and was not recorded; --allow-plaintext lets in callers, streams and agents, who cannot encrypt", who)
	case media.HoleFormat:
		return fmt.Sprintf("%s sent pictures larger than 65,536 pixels or frames larger than 8 MiB", who)
	case media.HoleCodec:
		return fmt.Sprintf("%s used a codec that is not recorded, or that LiveKit cannot encrypt", who)
	case media.HoleTooMany:
		return fmt.Sprintf("%s published more tracks than are recorded: at most %d of one member, and %d of all", who, recorder.MaxTracksOfOne, recorder.MaxTracks)
	case media.HoleFault:
		return fmt.Sprintf("the recorder could not cope with something that %s sent; its log says more", who)
	}
	if !slices.ContainsFunc(r.whose, func(m media.Missing) bool { return m.Time >= media.WideHole }) {
		return ""
	}
	switch r.reason {
	case media.HoleAsleep:
		return "this machine was suspended while it recorded: keep it awake, for example by systemd-inhibit"
	case media.HoleReconnect:
		return "the recorder lost the room for some time; sealtape info says when"
	case media.HoleBandwidth:
		return fmt.Sprintf("the server found no bandwidth to send all of %s to the recorder; --max-video asks for less", who)
	case media.HoleSpool:
		return "the disk was full for some time: make room where SEALTAPE_HOME is"
	case media.HoleLoss:
		return fmt.Sprintf("packets of %s were lost on the way; sealtape info says when", who)
	}
	return ""
}
