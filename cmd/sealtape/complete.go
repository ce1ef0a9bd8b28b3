package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/bot"
)

// completeTime is how long a shell waits for the store at most.
const completeTime = 2 * time.Second

// completeCommand is what the scripts of command completion ask. It prints each candidate
// for the last word in a line, with a tab and what it is.
func completeCommand() *cli.Command {
	return &cli.Command{
		Name:        "complete",
		Usage:       "print what the last word may become, for the scripts of sealtape completion",
		Hidden:      true,
		Description: `Takes the words after "sealtape" that were typed so far, the last one unfinished.`,
		UsageText:   `  sealtape complete -- export --format ""`,
		Action: func(c *cli.Context) error {
			ctx, cancel := context.WithTimeout(c.Context, completeTime)
			defer cancel()
			p := flags.Locate(newApp(ui.Of(c)), c.Args().Slice())
			found, paths := p.Complete(func(p *flags.Place) ([]flags.Candidate, flags.Paths) { return valuesFor(ctx, ui.Of(c), p) })
			for _, f := range found {
				if !strings.ContainsAny(f.Value, "\t\n") {
					ui.Of(c).Printf("%s\t%s\n", f.Value, ui.Clean(f.About))
				}
			}
			if paths != flags.NoPaths {
				ui.Of(c).Printf("%s\n", paths)
			}
			return nil
		},
	}
}

// choices are the values of flags with few values, by the flag's name.
func choices() map[string][]string {
	return map[string][]string{
		"access":          {bot.AccessPresent, bot.AccessWhole},
		"readers":         {bot.ReadersVerified, bot.ReadersNamed, bot.ReadersAllPinned},
		"record":          {bot.RecordEveryone, bot.RecordVerified},
		"consent":         {bot.ConsentAnnounce, bot.ConsentAsk},
		"notices":         {bot.NoticesAll, bot.NoticesNeeded},
		"others":          {othersBeside, othersYield, othersReplace},
		"join-as":         {joinRecorder, joinAgent},
		"allow-plaintext": bot.PlaintextSenders(),
		"max-video":       {"180p", "360p", "540p", "720p", "1080p"},
		"format":          formatNames(),
		"kind":            {"transcript", "minutes", "file"},
		"encoder":         append([]string{playback.EncoderAuto, playback.EncoderSoftware}, playback.HardwareEncoders()...),
		"layout":          {"speaker", "grid"},
		"size":            {"854x480", "1280x720", "1920x1080"},
		"sample":          {"1%", "5%", "20%"},
		"expires":         {"90d", "1y", "2y", "never"},
		"older-than":      {"30d", "90d", "1y"},
		"grace":           {"0", "2m", "10m", "never"},
		"wait":            {"10m", "1h", "never"},
		"rejoin":          {"5m", "15m", "1h", "never"},
		"by":              {byPublic, bySession, byPresigned},
		"log-format":      {"text", "json"},
		"log-level":       {"debug", "info", "warn", "error"},
	}
}

// valuesFor returns what the word at a place may become, which is a flag's value or an
// argument.
func valuesFor(ctx context.Context, e *ui.Env, p *flags.Place) ([]flags.Candidate, flags.Paths) {
	if values, ok := choices()[p.Flag]; ok && p.Flag != "" {
		return named(values, ""), flags.NoPaths
	}
	switch what := whatIs(p); what {
	case "FILE", "PATH":
		return nil, flags.Files
	case "DIR", "STORE":
		return nil, flags.Folders
	case "shell":
		return named(flags.Shells(), ""), flags.NoPaths
	case "card":
		return named(cardNames(), "a pinned card"), flags.NoPaths
	case "reader": // or a file
		return named(cardNames(), "a pinned card"), flags.Files
	case "recording":
		return append([]flags.Candidate{{Value: "last", About: "the newest recording"}}, named(recordingIDs(ctx, e, p), "a recording")...), flags.NoPaths
	case "spooled":
		return named(spooledIDs(ctx), "a recording in the spool"), flags.NoPaths
	}
	return nil, flags.NoPaths
}

// whatIs returns what a place stands for: a word of valuesFor, or the placeholder in the
// help of the flag.
func whatIs(p *flags.Place) string {
	switch p.Command + " --" + p.Flag {
	case "share --to", "link --to", "record --operator":
		return "card"
	case "record --reader", "reseal --reader":
		return "reader"
	case "recover --adopt":
		return "spooled"
	}
	if p.Flag != "" || p.Argument > 0 {
		return p.Placeholder()
	}
	switch p.Command {
	case "info", "verify", "play", "export", "decrypt", "share", "link", "attach", "transcribe", "copy", "repair", "reseal":
		return "recording"
	case "keys remove":
		return "card"
	case "keys add", "keys approve", "keys revoke", "keys import":
		return "FILE"
	case "completion":
		return "shell"
	}
	return ""
}

func named(values []string, about string) (found []flags.Candidate) {
	for _, v := range values {
		found = append(found, flags.Candidate{Value: v, About: about})
	}
	return found
}

// recordingIDs returns the IDs in the store that the words or the environment name. A
// failure is not reported: nobody would see it.
func recordingIDs(ctx context.Context, e *ui.Env, p *flags.Place) []string {
	name := os.Getenv("SEALTAPE_STORE")
	if len(p.Stores) > 0 {
		name = p.Stores[0]
	}
	silent := &ui.Env{Stdin: e.Stdin, Stdout: e.Stdout, Stderr: io.Discard}
	store, err := access.OpenStore(ctx, silent, name, false)
	if err != nil {
		return nil
	}
	return idsIn(ctx, store)
}

func spooledIDs(ctx context.Context) []string {
	h, err := access.OpenHome()
	if err != nil {
		return nil
	}
	spool, err := dir.Open(h.SpoolDir())
	if err != nil {
		return nil
	}
	return idsIn(ctx, spool)
}

func idsIn(ctx context.Context, s archive.Store) (ids []string) {
	for id, err := range archive.IDs(ctx, s) {
		if err != nil {
			break
		}
		ids = append(ids, id)
	}
	return ids
}

// cardNames returns the names of the pinned cards.
func cardNames() (names []string) {
	h, err := access.OpenHome()
	if err != nil {
		return nil
	}
	pins, err := h.Pins()
	if err != nil {
		return nil
	}
	for _, p := range pins {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}
