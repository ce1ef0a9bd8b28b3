package player

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/fragment"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// seconds is a time as JSON: seconds, to the millisecond.
type seconds time.Duration

func (s seconds) MarshalJSON() ([]byte, error) { return appendSeconds(nil, time.Duration(s)), nil }

func appendSeconds(b []byte, d time.Duration) []byte {
	ms := d.Round(time.Millisecond).Milliseconds()
	return strconv.AppendFloat(b, float64(ms)/1000, 'f', -1, 64)
}

// A description is a recording as the page gets it, except the long lists.
type description struct {
	Version      string          `json:"version"`
	ID           string          `json:"id"`
	State        string          `json:"state"`
	Signers      []string        `json:"signers"`
	Claimed      string          `json:"claimed"`   // words of the key, if only a link says who recorded
	SharedBy     string          `json:"shared_by"` // the key that shared it, if only a link says so
	Unlisted     bool            `json:"unlisted"`
	Distrust     *finding        `json:"distrust"`
	PostQuantum  bool            `json:"post_quantum"`
	ResealedFrom string          `json:"resealed_from"`
	Imported     *imported       `json:"imported"`
	Command      string          `json:"command"`
	Formats      []string        `json:"formats"`
	Room         string          `json:"room"`
	Title        string          `json:"title"`
	Start        string          `json:"start"`
	Duration     seconds         `json:"duration"`
	Epochs       []epochJSON     `json:"epochs"`
	Tracks       []trackJSON     `json:"tracks"`
	Holes        []holeJSON      `json:"holes"`
	WideHoles    int             `json:"wide_holes"`
	Problems     []trouble       `json:"problems"`
	MemberKeys   bool            `json:"member_keys"`
	Agreed       []agreementJSON `json:"agreed"`
	// Words are there only in an answer that has all segments and events, and in the first
	// one since they came. WordsLater says that there may be some which are not there yet.
	Words      []wordsJSON `json:"words,omitempty"`
	WordsLater bool        `json:"words_later,omitempty"`
	// From and EventsFrom are where the lists of segments and events begin.
	// Earlier segments are included if they are not readable.
	From        int `json:"from"`
	EventsFrom  int `json:"events_from"`
	EventsTotal int `json:"events_total"`
}

type epochJSON struct {
	Number int  `json:"number"`
	Opens  bool `json:"opens"`
	First  int  `json:"first"`
	Last   int  `json:"last"`
}

type trackJSON struct {
	UID         uint64       `json:"uid,string"`
	Participant string       `json:"participant"`
	Name        string       `json:"name"`
	Source      media.Source `json:"source"`
	Codec       media.Codec  `json:"codec"`
	MIME        string       `json:"mime"`
	Width       int          `json:"width"`
	Height      int          `json:"height"`
	Channels    int          `json:"channels"`
	Turned      int          `json:"turned,omitempty"` // clockwise, in degrees, by the page: its media do not say it
}

type holeJSON struct {
	Track  uint64  `json:"track,string"`
	From   seconds `json:"from"`
	To     seconds `json:"to"`
	Reason string  `json:"reason"`
}

// An imported says how a recording was made of files.
type imported struct {
	By    string   `json:"by"`
	At    string   `json:"at"` // RFC 3339, "" if not known
	Files []string `json:"files"`
}

func importedOf(i *tape.Imported) *imported {
	if i == nil {
		return nil
	}
	j := &imported{By: i.By, Files: []string{}}
	if !i.At.IsZero() {
		j.At = i.At.UTC().Format(time.RFC3339)
	}
	for _, f := range i.Files {
		j.Files = append(j.Files, f.Name)
	}
	return j
}

// An agreementJSON is a span in which a recorder had a member's key.
type agreementJSON struct {
	Participant string   `json:"participant"`
	From        seconds  `json:"from"`
	To          seconds  `json:"to"`
	By          string   `json:"by"`
	Readers     []string `json:"readers"`
}

func agreementsJSON(of map[string][]tape.Agreement) []agreementJSON {
	all := []agreementJSON{}
	for _, who := range slices.Sorted(maps.Keys(of)) {
		for _, a := range of[who] {
			all = append(all, agreementJSON{who, seconds(a.From), seconds(a.To), a.By.Who, append([]string{}, a.Readers...)})
		}
	}
	return all
}

// A trouble is a segment that cannot be played to its end.
type trouble struct {
	Segment int  `json:"segment"`
	Error   Kind `json:"error"`
}

// A Known is what a page knows of a recording, and need not be told again. The zero
// value is nothing.
type Known struct {
	Version string // of the description
	From    int    // the number of the first segment that may be another by now
	Events  int    // how many events
}

// number is the version's among those of one opening of the recording.
func (k Known) number() int {
	_, n, _ := strings.Cut(k.Version, ".")
	number, _ := strconv.Atoi(n) // what is none knows nothing
	return number
}

// Describe returns a recording as JSON, without the segments and events that are
// known. It opens the recording if it is not open. The error is of one of the kinds.
func (p *Player) Describe(ctx context.Context, id string, known Known) ([]byte, error) {
	t, err := p.open(ctx, id)
	if err != nil {
		return nil, err
	}
	return t.describe(known)
}

// DescribeLater does what Describe does, once the version is another than the known
// one, or after some 25 seconds. Meanwhile it follows a recording that goes on.
func (p *Player) DescribeLater(ctx context.Context, id string, known Known) ([]byte, error) {
	t, err := p.open(ctx, id)
	if err != nil {
		return nil, err
	}
	// Places from another opening of the recording do not count here.
	if boot, _, _ := strings.Cut(known.Version, "."); boot != strconv.Itoa(t.boot) {
		known = Known{}
	}
	t.wait(ctx, known.Version)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return t.describe(known)
}

// describe returns the recording as JSON, without the segments, events and words that are
// known.
func (t *openRecording) describe(known Known) ([]byte, error) {
	from, events := max(known.From, 0), max(known.Events, 0)
	t.mu.Lock()
	session, segments, all := t.session, t.segments, t.events
	agreed, keys := t.agreed, t.keys
	version, log := t.versionString(), t.rec.Log()
	words, wordsAt := t.words, t.wordsAt
	t.mu.Unlock()
	tracks := session.Tracks()
	events = min(events, len(all))
	d := description{
		Version: version, ID: t.id, State: string(log.State), Signers: signers(log), PostQuantum: log.PostQuantum,
		Formats: []string{}, Duration: seconds(session.Duration()), Epochs: []epochJSON{}, Tracks: []trackJSON{}, Holes: []holeJSON{}, Problems: []trouble{}, Agreed: agreed, MemberKeys: keys,
		From: from, EventsFrom: events, EventsTotal: len(all), WordsLater: wordsAt == 0,
	}
	if from == 0 && events == 0 || known.number() < wordsAt {
		d.Words = wordsJSONOf(words)
	}
	if start := session.Start(); !start.IsZero() {
		d.Start = start.UTC().Format(time.RFC3339Nano)
	}
	d.Command = t.p.c.Command
	for _, f := range t.p.c.Formats {
		d.Formats = append(d.Formats, f.Name)
	}
	d.Distrust, d.SharedBy, d.Unlisted = distrust(log), log.SharedBy, log.Unlisted
	for _, s := range log.Signers {
		if d.Claimed = s.Claimed; d.Claimed == "" {
			break // another has signed, too
		}
	}
	d.Room, d.Title = tape.Room(all), playback.Title(all)
	if h, ok := tape.Cited(tape.ResealedFrom(all)); ok {
		d.ResealedFrom = h.ID
	}
	d.Imported = importedOf(tape.ImportedFrom(all))
	for _, e := range log.Epochs {
		d.Epochs = append(d.Epochs, epochJSON{e.Number, e.Opens, e.First, e.Last})
	}
	index := make(map[uint64]int, len(tracks))
	for i, tr := range tracks {
		index[tr.UID] = i
		width, height := tr.ShownSize()
		d.Tracks = append(d.Tracks, trackJSON{tr.UID, tr.Participant, tr.Name, tr.Source, tr.Codec,
			fragment.MIME(tr), width, height, tr.Channels, fragment.Unturned(tr)})
	}
	for _, g := range session.Holes() {
		d.Holes = append(d.Holes, holeJSON{g.Track, seconds(g.From), seconds(g.To), g.Reason})
	}
	d.WideHoles = len(playback.WideHoles(session.Holes()))
	for _, seg := range segments {
		if seg.Err != nil && len(d.Problems) < maxProblems {
			d.Problems = append(d.Problems, trouble{seg.Number, KindOf(seg.Err)})
		}
	}
	b, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	b = append(b[:len(b)-1], `,"segments":`...)
	b = appendSegments(b, segments, from, index)
	b = append(b, `,"events":`...)
	// json.Marshal escapes what HTML or JavaScript would interpret.
	list, err := json.Marshal(all[events:])
	if err != nil {
		return nil, err
	}
	if len(all) == events {
		list = []byte("[]")
	}
	b = append(b, list...)
	return append(b, "}\n"...), nil
}

// maxProblems is the most problems that are listed; the states of the segments
// show all.
const maxProblems = 1000

// appendSegments appends the segments from a number on, and earlier ones that are
// not readable, as compact lists: there may be tens of thousands with dozens of
// tracks each.
func appendSegments(b []byte, segments []playback.Segment, from int, index map[uint64]int) []byte {
	b = append(b, '[')
	some := false
	for i := range segments {
		seg := &segments[i]
		if seg.Number < from && seg.State == playback.Readable {
			continue
		}
		if some {
			b = append(b, ',')
		}
		some = true
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(seg.Number), 10)
		b = append(b, ',')
		b = appendSeconds(b, seg.From)
		b = append(b, ',')
		b = appendSeconds(b, seg.To)
		b = append(b, `,"`...)
		b = append(b, stateLetter(seg.State))
		b = append(b, `",[`...)
		first := true
		for _, t := range seg.Tracks {
			at, ok := index[t.UID]
			if !ok {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(at), 10)
			for _, k := range t.Keys {
				b = append(b, ',')
				b = appendSeconds(b, k)
			}
			b = append(b, ']')
		}
		b = append(b, "]]"...)
	}
	return append(b, ']')
}

func stateLetter(s playback.State) byte {
	switch s {
	case playback.Locked:
		return 'l'
	case playback.Failed:
		return 'f'
	case playback.Unlisted:
		return 'u'
	}
	return 'r'
}

// signers returns the names of the signers of a recording.
func signers(d *tape.Description) []string {
	names := []string{}
	for _, s := range d.Signers {
		names = append(names, s.Who)
	}
	return names
}
