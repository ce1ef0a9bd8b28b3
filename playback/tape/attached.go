package tape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/transcript"
)

// ErrNoWords reports that nothing of a transcript was said in a part of the recording
// that the reader opens.
var ErrNoWords = errors.New("nothing of it was said in what your keys open")

// An Attached is a file that somebody attached to a recording: of a transcript that is
// about several epochs, all parts that the reader opens.
type Attached struct {
	// Attachment is the first part. Epochs and Size are those of all.
	archive.Attachment
	// Author is who attached it, if Err is nil or wraps archive.ErrRevokedAuthor.
	Author Signer
	// Parts are the names of its objects.
	Parts []string
}

// Attached returns what readers attached to the recording, and what else is in its
// place: see archive.Recording.Attachments.
func (t *Tape) Attached(ctx context.Context) ([]Attached, archive.Attachments, error) {
	all, err := t.rec.Attachments(ctx)
	if err != nil {
		return nil, all, err
	}
	var out []Attached
	for _, a := range all.All {
		same := func(o Attached) bool {
			return a.Kind == archive.Transcript && o.Kind == a.Kind && a.Err == nil && o.Err == nil && o.By == a.By && o.File == a.File && o.Time.Equal(a.Time) &&
				!slices.ContainsFunc(a.Epochs, func(n int) bool { return slices.Contains(o.Epochs, n) })
		}
		if i := slices.IndexFunc(out, same); i >= 0 {
			o := &out[i]
			o.Parts, o.Epochs, o.Size = append(o.Parts, a.Name), append(slices.Clone(o.Epochs), a.Epochs...), o.Size+a.Size
			slices.Sort(o.Epochs)
			continue
		}
		out = append(out, Attached{Attachment: a, Author: t.signer(a.By), Parts: []string{a.Name}})
	}
	return out, all, nil
}

// signer returns whose a key is, by its verifier's name.
func (t *Tape) signer(key string) Signer {
	if t.o.Signer == nil || key == "" {
		return Signer{Key: key, Who: key}
	}
	return t.o.Signer(key)
}

// Transcript returns an attached transcript, all parts of it. The error wraps
// transcript.ErrFormat if it is none.
func (t *Tape) Transcript(ctx context.Context, a Attached) (all transcript.Transcript, err error) {
	for _, name := range a.Parts {
		_, b, err := t.rec.ReadAttachment(ctx, name)
		if err != nil {
			return all, err
		}
		part, _, err := transcript.Parse(b)
		if err != nil {
			return all, fmt.Errorf("%s: %w", name, err)
		}
		if all.Language == "" {
			all.Language = part.Language
		}
		all.Cues = append(all.Cues, part.Cues...)
	}
	slices.SortStableFunc(all.Cues, func(a, b transcript.Cue) int { return int(min(max(a.From-b.From, -1), 1)) })
	return all, nil
}

// AttachTranscript attaches a transcript on the recording clock: a part for each epoch that it
// has words of, so that nobody reads more than they can hear. Words belong to the
// epoch in which they begin. c.Kind and c.Data are not used. left is how many cues are left out,
// because no key of the reader opens their epoch. Without any others, the error is
// ErrNoWords.
func (t *Tape) AttachTranscript(ctx context.Context, c archive.AttachConfig, tr transcript.Transcript) (a Attached, left int, err error) {
	s, err := t.Session(ctx)
	if err != nil {
		return a, 0, err
	}
	parts := make(map[int]*transcript.Transcript)
	var epochs []int
	for _, cue := range tr.Cues {
		n := t.epochAt(s.Segments(), cue.From)
		if len(c.Epochs) > 0 && !slices.Contains(c.Epochs, n) {
			continue
		}
		if _, err := t.rec.EpochSecret(ctx, n); errors.Is(err, archive.ErrNoKey) {
			left++
			continue
		} else if err != nil {
			return a, left, err
		}
		if parts[n] == nil {
			parts[n] = &transcript.Transcript{Language: tr.Language}
			epochs = append(epochs, n)
		}
		parts[n].Cues = append(parts[n].Cues, cue)
	}
	if len(epochs) == 0 {
		return a, left, ErrNoWords
	}
	slices.Sort(epochs)
	c.Kind, c.File = archive.Transcript, strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(c.File, ".vtt"), ".srt"), ".json")+".vtt"
	if c.Time.IsZero() {
		c.Time = time.Now() // of all parts
	}
	for _, n := range epochs {
		var b bytes.Buffer
		if err := parts[n].Write(&b, transcript.VTT); err != nil {
			return a, left, err
		}
		c.Data, c.Epochs = b.Bytes(), []int{n}
		part, err := t.rec.Attach(ctx, c)
		if err != nil {
			return a, left, err
		}
		if a.Name == "" {
			a = Attached{Attachment: part, Author: t.signer(part.By)}
			a.Epochs, a.Size = nil, 0
		}
		a.Parts, a.Epochs, a.Size = append(a.Parts, part.Name), append(a.Epochs, n), a.Size+part.Size
	}
	return a, left, nil
}

// epochAt returns the number of the epoch that a moment is in.
func (t *Tape) epochAt(segments []playback.Segment, at time.Duration) (epoch int) {
	for _, s := range segments {
		info, logged := t.log[s.Number]
		if !logged {
			continue
		}
		if epoch != 0 && s.From > at {
			break
		}
		epoch = info.Epoch
	}
	return epoch
}
