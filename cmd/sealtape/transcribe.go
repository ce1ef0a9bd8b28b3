package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/engine"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/transcript"
)

func transcribeCommand() *cli.Command {
	var o transcribeOptions
	return &cli.Command{
		Name:      "transcribe",
		Usage:     "have a program of yours write down what was said, and attach it",
		ArgsUsage: "ID --command LINE",
		Description: `Runs LINE by the shell, once for each speaker, with what they alone said: so the
transcript knows who said what. LINE gets a WAV file of 16 kHz, mono, 16 bits, on standard
input, or in place of {} the name of such a file in memory. It answers in WebVTT, SRT or
the JSON of whisper.cpp, on standard output or in a file in memory that {out} stands for,
with or without an ending that it adds. Its times count from the beginning of the sound.

  ` + whisperLine + `

docs/transcribe.md has this in full, and the same for vosk.

Nothing in the clear is written to a disk. Of the environment, LINE gets what programs
need, such as PATH, HOME and LANG, and nothing else. Sound is decoded by this machine's
ffmpeg. The transcript is attached to the recording, as "sealtape attach" does it, or
written to PATH with -o, without being attached.

With --from and --to, a part is transcribed; its times are still those of the recording.`,
		UsageText: `  sealtape transcribe last --command '` + whisperLine + `'
  sealtape transcribe last --command './engine.py' --participant Ada -o ada.vtt`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "command", Destination: &o.command, Usage: "what to run for each speaker, `LINE`"},
			&cli.StringSliceFlag{Name: "participant", Usage: "transcribe only who is called `NAME` or has that identity; may be repeated"},
			&cli.StringFlag{Name: "from", Destination: &o.from, Usage: "begin at `TIME` of the recording"},
			&cli.StringFlag{Name: "to", Destination: &o.to, Usage: "end at `TIME` of the recording"},
			&cli.StringFlag{Name: "name", Destination: &o.name, Value: "transcript.vtt", Usage: "call the transcript `NAME`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "write it to `PATH`, .vtt, .srt or .json, and attach nothing"},
			o.StoreFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runTranscribe), flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

// whisperLine is how whisper.cpp is run.
const whisperLine = `whisper-cli -m ggml-base.bin -l auto -ovtt -of {out} -f {}`

type transcribeOptions struct {
	flags.StoreOption
	id, command, name string
	from, to, output  string
	participants      []string

	excerpt playback.ExportOptions // from and to
	format  transcript.Format      // of output
}

func (o *transcribeOptions) Rest(c *cli.Context) { o.participants = c.StringSlice("participant") }

func (o *transcribeOptions) Check() (err error) {
	if strings.TrimSpace(o.command) == "" {
		return ui.Hinted(ui.Misuse("what writes down what is said? --command LINE is missing"), "docs/transcribe.md has lines for whisper.cpp and vosk; for the first",
			"sealtape transcribe "+ui.ShellWord(o.id)+" --command '"+whisperLine+"'")
	}
	if o.output != "" {
		i := slices.IndexFunc([]transcript.Format{transcript.VTT, transcript.SRT, transcript.JSON}, func(f transcript.Format) bool {
			o.format = f
			return strings.HasSuffix(strings.ToLower(o.output), "."+string(f))
		})
		if i < 0 {
			return ui.Misuse("the ending of -o %s is none of .vtt, .srt and .json", ui.Clean(o.output))
		}
	}
	for _, t := range []struct {
		flag, value string
		to          *time.Duration
	}{{"--from", o.from, &o.excerpt.From}, {"--to", o.to, &o.excerpt.To}} {
		if t.value == "" {
			continue
		}
		if *t.to, err = parsePosition(t.value); err != nil {
			return ui.Misuse("%s: %v", t.flag, err)
		}
	}
	if o.to != "" && o.excerpt.To <= o.excerpt.From {
		return ui.Misuse("--to is %s, which is not after %s", o.to, ui.Length(o.excerpt.From))
	}
	return nil
}

func runTranscribe(ctx context.Context, a *access.Access, o *transcribeOptions) error {
	e := a.Env
	if o.output == "" {
		if err := access.Unrevoked(a.Home); err != nil {
			return err
		}
	} else if _, err := os.Lstat(o.output); err == nil {
		return ui.Hinted(fmt.Errorf("%s exists already", o.output), "nothing is overwritten; choose another name")
	}
	t, err := a.OpenReadable(ctx, o.id, nil)
	if err != nil {
		return err
	}
	if err := a.Distrust(t.ID(), t.Recording().Signers()); err != nil {
		return err
	}
	s, err := t.Session(ctx)
	if err != nil {
		return err
	}
	speakers, err := o.speakers(ctx, s)
	if errors.Is(err, playback.ErrNothing) || err == nil && len(speakers) == 0 {
		return ui.Hinted(fmt.Errorf("recording %s: %w", t.ID(), playback.ErrNoSound), "see who was there when", "sealtape info "+t.ID()+" --timeline")
	} else if err != nil {
		return err
	}
	var all transcript.Transcript
	names := s.Names()
	for i, p := range speakers {
		tr, err := o.transcribe(ctx, e, s, p, fmt.Sprintf("%s, %d of %d", ui.Clean(names.Of(p.Identity, p.Name)), i+1, len(speakers)))
		if err != nil {
			return fmt.Errorf("transcribing %s: %w", ui.Clean(names.Of(p.Identity, p.Name)), err)
		}
		all.Language = cmp.Or(all.Language, tr.Language)
		for _, c := range tr.Cues {
			c.Who, c.From, c.To = names.Of(p.Identity, p.Name), c.From+o.excerpt.From, c.To+o.excerpt.From
			all.Cues = append(all.Cues, c)
		}
	}
	if len(all.Cues) == 0 {
		return ui.Hinted(fmt.Errorf("the command found no words in %s", ui.Count(len(speakers), "voice")), "try it by hand with the sound of one of them",
			"sealtape export "+t.ID()+" -o voice.wav --participant "+ui.ShellWord(speakers[0].Identity))
	}
	slices.SortStableFunc(all.Cues, func(a, b transcript.Cue) int { return cmp.Compare(a.From, b.From) })
	if len(all.Cues) > transcript.MaxCues {
		return fmt.Errorf("%d cues, more than %d", len(all.Cues), transcript.MaxCues)
	}
	if o.output != "" {
		if err := writeTranscript(o.output, all, o.format); err != nil {
			return err
		}
		e.Printf("%s of %s in %s\n", ui.Count(len(all.Cues), "cue"), ui.Count(len(speakers), "voice"), o.output)
		return nil
	}
	id, err := access.LoadIdentity(ctx, e, a.Home)
	if err != nil {
		return err
	}
	done, err := attachTranscript(ctx, a, t, archive.AttachConfig{Signer: id.Signer(), File: o.name}, all)
	if err != nil {
		return err
	}
	sayAttached(e, t, done)
	e.Notef("%s of %s.", ui.Count(len(all.Cues), "cue"), ui.Count(len(speakers), "voice"))
	return nil
}

// speakers returns whom to transcribe.
func (o *transcribeOptions) speakers(ctx context.Context, s *playback.Session) ([]playback.Participant, error) {
	all, err := s.Speakers(ctx, o.excerpt)
	if err != nil || len(o.participants) == 0 {
		return all, err
	}
	chosen, err := chosenParticipants(all, o.participants)
	return slices.DeleteFunc(all, func(p playback.Participant) bool { return !slices.Contains(chosen, p.Identity) }), err
}

// transcribe runs the command for one speaker.
func (o *transcribeOptions) transcribe(ctx context.Context, e *ui.Env, s *playback.Session, p playback.Participant, what string) (tr transcript.Transcript, err error) {
	options := o.excerpt
	bar := e.Progress("transcribing "+what, int64(excerptLength(s, options)))
	defer bar.Finish()
	options.Progress = func(done, total time.Duration) {
		if bar.Set(int64(done)); done >= total {
			bar.Describe("waiting for the words of " + what)
		}
	}
	answer, err := engine.Run(ctx, o.command, transcript.MaxBytes, func(w io.Writer) error {
		_, err := playback.StreamSpeech(ctx, s, w, p.Identity, options)
		return err
	})
	var failed *engine.FailedError
	switch {
	case errors.As(err, &failed):
		return tr, ui.Hinted(err, "try the command by hand; it gets a WAV file of 16 kHz on standard input, or in place of "+engine.In)
	case errors.Is(err, engine.ErrUnsupported):
		return tr, ui.Hinted(err, "leave "+engine.In+" and "+engine.Out+" out of the command: the sound then comes on standard input, and the answer goes to standard output")
	case err != nil:
		return tr, err
	}
	if tr, _, err = transcript.Parse(answer); err != nil {
		return tr, ui.Hinted(fmt.Errorf("what the command answers is %w", err), "it has to answer in WebVTT, SRT or the JSON of whisper.cpp, and with nothing else")
	}
	tr.Cues = slices.DeleteFunc(tr.Cues, func(c transcript.Cue) bool { return slices.Contains(noWords, c.Text) })
	return tr, nil
}

// noWords is what whisper writes where nobody speaks.
var noWords = []string{"[BLANK_AUDIO]", "[ Silence ]", "[SILENCE]", "(silence)"}

// writeTranscript writes a new file.
func writeTranscript(path string, tr transcript.Transcript, f transcript.Format) error {
	var b bytes.Buffer
	if err := tr.Write(&b, f); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(b.Bytes())
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
