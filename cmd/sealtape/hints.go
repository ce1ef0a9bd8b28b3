package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
)

// Hints say what to do about an error. They are here, or in package ui if every command
// needs them.

// explainJoin adds hints to the errors of joining.
func explainJoin(err error) error {
	for _, h := range []struct {
		err  error
		hint string
	}{
		{errTokenCommand, "run it by hand: it has to print one token and nothing else, within 30 s, without the secrets in your environment"},
		{livekit.ErrHidden, "sealtape records in the open only: make a token without the hidden grant"},
		{livekit.ErrNoData, "it must be able to tell the room that it records: make a token with canPublishData"},
		{livekit.ErrNoSubscribe, "make a token with canSubscribe"},
		{livekit.ErrToken, "make a new token for this room, or set LIVEKIT_API_KEY and " + flags.APISecretVar},
		{livekit.ErrUnauthorized, "check LIVEKIT_API_KEY and " + flags.APISecretVar + ", or the token, against the server's"},
		{livekit.ErrNoRoom, "this server makes no rooms for who joins: make it first, or check --room"},
		{livekit.ErrUnreachable, "check LIVEKIT_URL, and that the server runs and can be reached from here"},
		{context.DeadlineExceeded, "the server answers but no connection came about: check the firewall for its UDP and TCP media ports"},
	} {
		if errors.Is(err, h.err) {
			return ui.Hinted(err, h.hint)
		}
	}
	return err
}

// explainEnd returns the error to exit with if the room ended the recording in a way that
// somebody should look into.
func explainEnd(rep recorder.Report) error {
	if err := explainCallEnd(rep); err != nil {
		return err
	}
	switch {
	case errors.Is(rep.Cause, livekit.ErrOccupied), errors.Is(rep.Cause, bot.ErrOtherRecords):
		return ui.Hinted(ui.ExitWith(ui.ExitElsewhere, rep.Cause), "what was recorded before is kept; the other recorder goes on with the meeting")
	case errors.Is(rep.Cause, livekit.ErrReplaced):
		return ui.Hinted(ui.ExitWith(ui.ExitFailed, rep.Cause),
			"what was recorded before is kept; every recorder needs an identity of its own: leave --identity out, or see what else uses it")
	case errors.Is(rep.Cause, livekit.ErrHid), errors.Is(rep.Cause, livekit.ErrGagged):
		return ui.Hinted(ui.ExitWith(ui.ExitIncomplete, rep.Cause),
			"what was recorded before is kept; members must see the recorder and hear what it says: ask who runs the server")
	// The meeting may go on without its recorder: whoever starts recorders should start another.
	case errors.Is(rep.Cause, livekit.ErrToken):
		return ui.Hinted(ui.ExitWith(ui.ExitFailed, rep.Cause), "what was recorded before is kept; with --token-command a recorder can come back at any time")
	case errors.Is(rep.Cause, livekit.ErrLost):
		return ui.Hinted(ui.ExitWith(ui.ExitFailed, rep.Cause), "what was recorded before is kept; --rejoin says for how long the recorder tries to come back")
	}
	return nil
}

// explainRecord gives the errors of recording to these stores, as they were given, their
// hints.
func explainRecord(err error, stores []string) error {
	var store *bot.StoreError
	var rest *bot.NotStoredError
	switch {
	case errors.Is(err, bot.ErrOtherRecords), errors.Is(err, livekit.ErrOccupied):
		return ui.Hinted(ui.ExitWith(ui.ExitElsewhere, err), "there is nothing to do; --others beside records all the same")
	case errors.As(err, &store):
		return ui.Hinted(err, store.Remedy)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ui.Hinted(err, "make room where SEALTAPE_HOME is, or move it; what was recorded before is kept", access.RecoverCommandFor(stores))
	case errors.Is(err, syscall.EROFS):
		return ui.Hinted(err, "the spool cannot be written to: set SEALTAPE_HOME to a folder on a disk that can")
	case errors.As(err, &rest):
		return ui.Hinted(err, "it is safe in the spool; once the store works", access.RecoverCommandFor(stores))
	case errors.Is(err, bot.ErrNothingRecorded):
		return ui.Hinted(err, "no store has anything under the ID that was printed; start it again where it is wanted")
	case errors.Is(err, bot.ErrNobodyLeft):
		return ui.Hinted(err, "the cards of all its readers were revoked, replaced or unpinned, or expired: see which", "sealtape keys list")
	case errors.Is(err, bot.ErrReaders):
		return ui.Hinted(err, "name those who must read it all; sealtape share and sealtape reseal give it to others afterwards")
	case errors.Is(err, bot.ErrRole):
		return ui.Hinted(err, "make a recorder's keys, in a SEALTAPE_HOME of its own", "sealtape keys init --recorder --name NAME")
	}
	return explainSpool(err)
}

// explainSpool adds hints to the errors of copying from the spool.
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
		return ui.Hinted(err, "the rest is stored and can be read; "+where+"; see what is missing", run...)
	case errors.Is(err, archive.ErrElsewhere):
		return ui.Hinted(err, "name the store that it was recorded to, which has what is missing here")
	}
	return err
}

// causeHint returns what to do about a cause.
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
		return "the room is end-to-end encrypted with a key that the recorder was not given, or does not trust"
	case frame.CausePlaintext:
		return "let everyone join with end-to-end encryption, or the recorder with --no-e2ee"
	}
	return ""
}

// hint returns what to check if no better cause was found. "" means that nothing helps.
// nothing says that no frame at all was kept.
func (r missingReason) hint(nothing, named bool) string {
	who := r.names(named)
	switch r.reason {
	case media.HoleAuth:
		if nothing {
			return "nothing could be decrypted: is this the passphrase that the members use?"
		}
		return fmt.Sprintf("some frames of %s did not open: is their passphrase the one that the others use?", who)
	case media.HoleNoKey:
		return fmt.Sprintf("%s: end-to-end encrypted with a key that the recorder was not given, or does not trust", who)
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
