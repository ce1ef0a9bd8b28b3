package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/transcript"
)

func attachCommand() *cli.Command {
	var o attachOptions
	return &cli.Command{
		Name:      "attach",
		Usage:     "add a transcript, minutes or any file to a recording",
		ArgsUsage: "ID [FILE]",
		Description: `Adds FILE to the recording, signed by you and sealed to those who can open the recording,
now and later. What was recorded does not change. Without FILE, shows what is attached.

A transcript is WebVTT, SRT or the JSON of whisper.cpp, with times of the recording. Its
words go to the readers of the part in which they were said. Anything else can be read
by everyone who opens one of the epochs that it is about: name these with --epoch, or
it is about all that you open. A file has at most 14 MB.

NAME is what the list shows: the beginning of an attachment's name, or its file's name.
An attachment is its author's word. Only those count whose author's card you pinned;
--get refuses others. Only its author can remove an attachment: copies of it are then
ignored, but whoever has read it has read it.`,
		UsageText: `  sealtape attach last meeting.vtt                        # a transcript
  sealtape attach last notes.md --kind minutes
  sealtape attach last                                    # what is there
  sealtape attach last --get notes.md -o notes.md
  sealtape attach last --remove notes.md`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "kind", Destination: &o.kind, Usage: "`KIND` is transcript, minutes or file (default: transcript for .vtt and .srt, else file)"},
			&cli.StringFlag{Name: "name", Destination: &o.name, Usage: "call the file `NAME` (default: as it is called)"},
			&cli.IntSliceFlag{Name: "epoch", Usage: "it is about epoch `N` of the recording (repeatable; default: all that you open)"},
			&cli.StringFlag{Name: "get", Destination: &o.get, Usage: "write the attachment `NAME` to standard output, or to -o"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "the file to make with --get, `PATH`"},
			&cli.StringFlag{Name: "remove", Destination: &o.remove, Usage: "remove the attachment `NAME`, which you made"},
			o.StoreFlag(), o.JSONFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runAttach), flags.Argument{Name: "the ID of a recording", To: &o.id}, flags.Argument{Name: "a file", To: &o.file, Optional: true}),
	}
}

type attachOptions struct {
	flags.StoreOption
	flags.JSONOption
	id, file            string
	kind, name          string
	get, output, remove string
	epochs              []int
}

func (o *attachOptions) Rest(c *cli.Context) { o.epochs = c.IntSlice("epoch") }

func (o *attachOptions) Check() error {
	switch {
	case o.file != "" && (o.get != "" || o.remove != ""), o.get != "" && o.remove != "":
		return ui.Misuse("FILE, --get and --remove exclude one another")
	case o.output != "" && o.get == "":
		return ui.Misuse("-o is for --get")
	case o.file == "" && (o.kind != "" || o.name != "" || len(o.epochs) > 0):
		return ui.Misuse("what is to be attached? FILE is missing")
	case o.JSON && (o.get != "" || o.remove != ""):
		return ui.Misuse("--json is for the list, and for what is attached")
	case !slices.Contains([]string{"", "transcript", "minutes", "file"}, o.kind):
		return ui.Misuse("--kind is %q, want transcript, minutes or file", o.kind)
	}
	return nil
}

func runAttach(ctx context.Context, a *access.Access, o *attachOptions) error {
	if o.file != "" || o.remove != "" {
		if err := access.Unrevoked(a.Home); err != nil {
			return err
		}
	}
	var data []byte
	if o.file != "" {
		var err error
		if data, err = readAttached(o.file); err != nil {
			return err
		}
	}
	t, err := a.OpenReadable(ctx, o.id, nil)
	if err != nil {
		return err
	}
	if err := a.Distrust(t.ID(), t.Recording().Signers()); err != nil {
		return err
	}
	switch {
	case o.file != "":
		return o.attach(ctx, a, t, data)
	case o.get != "":
		return o.write(ctx, a, t)
	case o.remove != "":
		return removeAttached(ctx, a, t, o.remove)
	}
	list, err := attachments(ctx, t)
	if err != nil {
		return err
	}
	if o.JSON {
		return a.Env.JSON(list)
	}
	if len(list) == 0 {
		a.Env.Printf("nothing is attached to %s\n", t.ID())
		return nil
	}
	return show.Attachments(a.Env, list)
}

// readAttached reads a file that is to be attached.
func readAttached(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, archive.MaxAttached+1))
	if err == nil && len(data) > archive.MaxAttached {
		err = ui.Hinted(fmt.Errorf("%s: %w: more than %s", path, archive.ErrTooLarge, ui.Size(archive.MaxAttached)), "attach a smaller file, or a note that says where it is")
	}
	return data, err
}

func (o *attachOptions) attach(ctx context.Context, a *access.Access, t *tape.Tape, data []byte) error {
	e := a.Env
	if err := checkEpochs(t.Recording(), o.epochs); err != nil {
		return err
	}
	name := o.name
	if name == "" {
		name = filepath.Base(o.file)
	}
	if !archive.ValidAttachedName(name) {
		return ui.Hinted(fmt.Errorf("no attachment can be called %q", name), "choose a name of 200 bytes at most, without slashes and control characters: --name NAME")
	}
	kind := archive.AttachmentKind(o.kind)
	if kind == "" {
		if kind = archive.File; slices.Contains([]string{".vtt", ".srt"}, strings.ToLower(filepath.Ext(o.file))) {
			kind = archive.Transcript
		}
	}
	id, err := access.LoadIdentity(ctx, e, a.Home)
	if err != nil {
		return err
	}
	c := archive.AttachConfig{Signer: id.Signer(), Kind: kind, File: name, Data: data, Epochs: o.epochs}
	var done tape.Attached
	if kind == archive.Transcript {
		tr, _, err := transcript.Parse(data)
		if err != nil {
			return ui.Hinted(fmt.Errorf("%s: %w", o.file, err), "a transcript is WebVTT, SRT or the JSON of whisper.cpp; --kind file attaches anything")
		}
		if done, err = attachTranscript(ctx, a, t, c, tr); err != nil {
			return err
		}
	} else {
		one, err := t.Recording().Attach(ctx, c)
		if err != nil {
			return err
		}
		done = tape.Attached{Attachment: one, Parts: []string{one.Name}}
	}
	if o.JSON {
		return e.JSON([]show.AttachmentJSON{attachedJSON(done)})
	}
	sayAttached(e, t, done)
	if left := len(t.Recording().Epochs()) - len(done.Epochs); left > 0 {
		e.Notef("Not for the readers of %s.", ui.Count(left, "other epoch"))
	} else if kind != archive.Transcript && len(done.Epochs) > 1 {
		e.Notef("Whoever opens one of %s can read it; --epoch names those that it is about.", ui.EpochsText(done.Epochs))
	}
	return nil
}

// attachTranscript attaches a transcript, and says what is left out of it.
func attachTranscript(ctx context.Context, a *access.Access, t *tape.Tape, c archive.AttachConfig, tr transcript.Transcript) (tape.Attached, error) {
	done, left, err := t.AttachTranscript(ctx, c, tr)
	if errors.Is(err, tape.ErrNoWords) {
		return done, ui.Hinted(err, "its times have to be those of the recording, in seconds from its start")
	}
	if left > 0 {
		a.Env.Notef("%s left out: no key of yours opens the part in which they were said.", ui.Count(left, "cue"))
	}
	return done, err
}

func sayAttached(e *ui.Env, t *tape.Tape, a tape.Attached) {
	e.Printf("%s\n", attachmentName(a.Name))
	e.Printf("attached %s (%s, %s) to %s of %s\n", ui.Clean(a.File), a.Kind, ui.Size(a.Size), ui.EpochsText(a.Epochs), t.ID())
}

// attachmentName returns the hash in the name of an attachment.
func attachmentName(object string) string {
	return strings.TrimSuffix(strings.TrimPrefix(object, "attachments/"), ".age")
}

// findAttached returns the attachment that is meant: by the beginning of its name, or by its
// file's. Of several files of one name it is the newest that counts.
func findAttached(ctx context.Context, t *tape.Tape, name string) (found tape.Attached, err error) {
	all, _, err := t.Attached(ctx)
	if err != nil {
		return found, err
	}
	var fits []tape.Attached
	for _, a := range all {
		part := func(object string) bool {
			return len(name) >= 4 && strings.HasPrefix(attachmentName(object), strings.ToUpper(name))
		}
		if slices.ContainsFunc(a.Parts, part) {
			return a, nil
		}
		if a.File == name {
			fits = append(fits, a)
		}
	}
	for _, a := range slices.Backward(fits) {
		if a.Err == nil {
			return a, nil
		}
	}
	if len(fits) > 0 {
		return fits[len(fits)-1], nil
	}
	return found, ui.Hinted(fmt.Errorf("%w: %q", archive.ErrNoAttachment, name), "see what is attached", "sealtape attach "+t.ID())
}

// attachedProblem says why an attachment does not count, "" if it does.
func attachedProblem(a tape.Attached) string {
	switch {
	case a.Err == nil:
		return ""
	case errors.Is(a.Err, archive.ErrRevokedAuthor):
		return "signed by " + a.Author.Who + ": what that key attached does not count, whenever that was"
	case errors.Is(a.Err, archive.ErrForeignSigner):
		return "not signed by anyone whose card you pinned"
	}
	return a.Err.Error()
}

// write writes an attachment to a file or to standard output.
func (o *attachOptions) write(ctx context.Context, a *access.Access, t *tape.Tape) error {
	found, err := findAttached(ctx, t, o.get)
	if err != nil {
		return err
	}
	if why := attachedProblem(found); why != "" {
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(fmt.Errorf("attachment %s does not count: %s", attachmentName(found.Name), why),
			"pin the card of who made it, if you trust them", "sealtape keys add CARD"))
	}
	var out io.Writer = a.Env.Stdout
	var file *os.File
	if o.output != "" && o.output != toStdout {
		if file, err = os.OpenFile(o.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return err
		}
		out = file
	}
	err = writeAttached(ctx, t, found, out)
	if file != nil {
		if err = errors.Join(err, file.Close()); err != nil {
			err = errors.Join(err, os.Remove(o.output))
		}
	}
	return err
}

func writeAttached(ctx context.Context, t *tape.Tape, found tape.Attached, out io.Writer) error {
	if len(found.Parts) > 1 {
		tr, err := t.Transcript(ctx, found)
		if err != nil {
			return err
		}
		return tr.Write(out, transcript.VTT)
	}
	_, data, err := t.Recording().ReadAttachment(ctx, found.Name)
	if err == nil {
		_, err = out.Write(data)
	}
	return err
}

// removeAttached takes back an attachment of one's own.
func removeAttached(ctx context.Context, a *access.Access, t *tape.Tape, name string) error {
	found, err := findAttached(ctx, t, name)
	if err != nil {
		return err
	}
	id, err := access.LoadIdentity(ctx, a.Env, a.Home)
	if err != nil {
		return err
	}
	for _, part := range found.Parts {
		kept, err := t.Recording().RemoveAttachment(ctx, id.Signer(), part)
		if errors.Is(err, archive.ErrNotAuthor) {
			return ui.Hinted(err, "only its author can remove it; ask them")
		} else if err != nil {
			return err
		}
		if kept != nil {
			a.Env.Warnf("the store keeps %s, and readers ignore it from now on: %v", part, kept)
		}
	}
	a.Env.Printf("removed %s (%s) from %s\n", ui.Clean(found.File), found.Kind, t.ID())
	return nil
}

// attachments returns what is attached, for people and programs.
func attachments(ctx context.Context, t *tape.Tape) ([]show.AttachmentJSON, error) {
	all, raw, err := t.Attached(ctx)
	if err != nil {
		return nil, err
	}
	out := []show.AttachmentJSON{}
	for _, a := range all {
		out = append(out, attachedJSON(a))
	}
	for _, name := range raw.Locked {
		out = append(out, show.AttachmentJSON{Objects: []string{name}, Epochs: []int{}, Problem: "no key of yours opens it: it is for others, or not an attachment"})
	}
	if raw.More {
		out = append(out, show.AttachmentJSON{Objects: []string{}, Epochs: []int{}, Problem: "not all were looked at: there are too many, or the store does not list them"})
	}
	return out, nil
}

func attachedJSON(a tape.Attached) show.AttachmentJSON {
	j := show.AttachmentJSON{Objects: a.Parts, Kind: string(a.Kind), File: a.File, By: a.By, Time: a.Time, Epochs: append([]int{}, a.Epochs...), Size: a.Size, Problem: attachedProblem(a)}
	if a.Err == nil || errors.Is(a.Err, archive.ErrRevokedAuthor) {
		j.By = a.Author.Who
	}
	return j
}
