package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/urfave/cli/v2"
)

func infoCommand() *cli.Command {
	return &cli.Command{
		Name:      "info",
		Usage:     "show who recorded, who was there, and what is missing",
		ArgsUsage: "ID",
		Description: `Participants and names are what the room's server said of them: claims. To check
every byte, use "sealtape verify". ID may be the start of one, or "last".

Exit code 5: no key of yours opens it; then only what anyone can see is shown.`,
		Flags: []cli.Flag{storeFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "timeline", Usage: "show all that happened, event by event"}},
		Action: infoAction,
	}
}

// infoJSON is what info shows, in JSON. Times are seconds on the recording clock.
type infoJSON struct {
	ID           string      `json:"id"`
	State        string      `json:"state"`
	Recorder     []string    `json:"recorded_by"`
	PostQuantum  bool        `json:"post_quantum"`
	Objects      int         `json:"objects"`
	Missing      []string    `json:"missing_objects"`
	Bytes        int64       `json:"bytes"`
	Epochs       []epochJSON `json:"epochs"`
	Opens        bool        `json:"opens"`
	Grants       []grantJSON `json:"grants"`                  // those that one's keys open
	ResealedFrom string      `json:"resealed_from,omitempty"` // the head of the recording that this was made of
	Room         string      `json:"room,omitempty"`
	Start        *time.Time  `json:"start,omitempty"`
	Duration     float64     `json:"duration,omitempty"`
	Incomplete   bool        `json:"incomplete"` // not closed, an object missing or a hole of 1 s or more
	Participants []person    `json:"participants"`
	Tracks       []trackJSON `json:"tracks"`
	Holes        []holeJSON  `json:"holes"`
	// Timeline is all that happened, as archive/FORMAT.md describes it.
	Timeline []media.Event `json:"timeline"`
	Problems []string      `json:"problems"`
}

type epochJSON struct {
	Number   int  `json:"number"`
	Segments int  `json:"segments"`
	Opens    bool `json:"opens"`
	Hybrid   bool `json:"hybrid"`
	Classic  bool `json:"classic"`
}

type trackJSON struct {
	UID         uint64 `json:"uid,string"`
	Participant string `json:"participant"`
	Name        string `json:"name,omitempty"`
	Source      string `json:"source"`
	Codec       string `json:"codec"`
	Channels    int    `json:"channels,omitempty"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
}

type holeJSON struct {
	Track  uint64  `json:"track,string"`
	Label  string  `json:"label"`
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Reason string  `json:"reason"`
}

func infoAction(c *cli.Context) error {
	e := envOf(c)
	args, err := arguments(c, "the ID of a recording")
	if err != nil {
		return err
	}
	a, err := openAccess(c)
	if err != nil {
		return err
	}
	id, err := a.resolve(c.Context, args[0])
	if err != nil {
		return err
	}
	// Without keys there is still something to show, and the reason to give.
	identities, keysErr := a.keys(c.Context)
	if keysErr != nil && !errors.Is(keysErr, keys.ErrNoIdentity) && !errors.Is(keysErr, errNoTerminal) {
		return keysErr
	}
	rec, err := a.open(c.Context, id, identities)
	if err != nil {
		return err
	}
	i, err := a.info(c.Context, rec)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = e.json(i)
	} else {
		err = e.showInfo(i, c.Bool("timeline"))
	}
	if err != nil || i.Opens || len(i.Epochs) == 0 {
		return err
	}
	if errors.Is(keysErr, errNoTerminal) {
		return keysErr
	}
	return noKey(id, keysErr)
}

// noKey is the error for a recording that one's keys do not open; why is the
// error of loading them, if any.
func noKey(id string, why error) error {
	if errors.Is(why, keys.ErrNoIdentity) {
		return exitWith(exitNoKey, fmt.Errorf("nothing to open recording %s with: %w", id, why))
	}
	return exitWith(exitNoKey, hinted(fmt.Errorf("no key of yours opens recording %s", id),
		"only its readers can open it; sealtape keys show says who you are here"))
}

// locked tells how many readers a recording has that one's keys do not open, and
// returns noKey's error.
func (a *access) locked(ctx context.Context, rec *archive.Recording, why error) error {
	for _, line := range readersText(rec.Epochs(), readersAtMost(ctx, rec)) {
		a.env.notef("%s", line)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return noKey(rec.Head().ID, why)
}

// readersAtMost returns how many readers each epoch has at most, 0 where its
// files do not tell.
func readersAtMost(ctx context.Context, rec *archive.Recording) []int {
	epochs := rec.Epochs()
	readers := make([]int, len(epochs))
	var g errgroup.Group
	g.SetLimit(epochsParallel)
	for i, ep := range epochs {
		g.Go(func() error {
			readers[i], _ = rec.ReadersAtMost(ctx, ep.Number) // what is wrong with it, verify tells
			return nil
		})
	}
	_ = g.Wait() // its functions return none
	return readers
}

// readersText says how many readers epochs have, those alike in one line.
func readersText(epochs []archive.EpochInfo, readers []int) []string {
	var lines []string
	for i := 0; i < len(epochs); {
		j := i + 1
		for j < len(epochs) && readers[j] == readers[i] {
			j++
		}
		var numbers []int
		for _, ep := range epochs[i:j] {
			numbers = append(numbers, ep.Number)
		}
		line := fmt.Sprintf("epoch %d", numbers[0])
		if j > i+1 {
			line = "epochs " + ranges(numbers)
		}
		if readers[i] == 0 {
			line += ": how many readers it is sealed to cannot be told"
		} else {
			line += fmt.Sprintf(": sealed to at most %s", count(readers[i], "reader"))
		}
		if j > i+1 {
			line += " each"
		}
		lines = append(lines, line)
		i = j
	}
	return lines
}

func (a *access) info(ctx context.Context, rec *archive.Recording) (*infoJSON, error) {
	i := &infoJSON{
		ID: rec.Head().ID, State: string(rec.Head().State), PostQuantum: rec.PostQuantum(), Objects: len(rec.Entries()),
		Missing: []string{}, Epochs: []epochJSON{}, Participants: []person{}, Tracks: []trackJSON{}, Holes: []holeJSON{}, Timeline: []media.Event{}, Problems: []string{},
	}
	i.Recorder = a.signers(rec.Signers())
	there := make(map[string]bool)
	for info, err := range a.store.List(ctx, i.ID+"/") {
		if err != nil {
			return nil, err
		}
		there[strings.TrimPrefix(info.Name, i.ID+"/")] = true
		i.Bytes += info.Size
	}
	for _, e := range rec.Entries() {
		if !there[e.Name] {
			i.Missing = append(i.Missing, e.Name)
		}
	}
	for _, ep := range rec.Epochs() {
		j := epochJSON{Number: ep.Number, Hybrid: ep.Hybrid, Classic: ep.Classic}
		for _, s := range rec.Segments() {
			if s.Epoch == ep.Number {
				j.Segments++
			}
		}
		_, err := rec.EpochSecret(ctx, ep.Number)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil && !errors.Is(err, archive.ErrNoKey) {
			i.Problems = append(i.Problems, err.Error())
		}
		j.Opens = err == nil
		i.Opens = i.Opens || j.Opens
		i.Epochs = append(i.Epochs, j)
	}
	var err error
	if i.Grants, err = a.grants(ctx, rec); err != nil {
		return nil, err
	}
	i.Incomplete = rec.Head().State != archive.StateClosed || len(i.Missing) > 0
	if !i.Opens {
		return i, nil
	}
	f, err := gather(ctx, rec)
	if err != nil {
		return nil, err
	}
	start := f.start.UTC()
	i.Room, i.Start, i.Duration, i.Participants = f.room, &start, f.duration.Seconds(), f.people()
	i.ResealedFrom = resealedFrom(f.events)
	i.Problems = append(i.Problems, f.problems...)
	for _, t := range f.tracks {
		i.Tracks = append(i.Tracks, trackJSON{
			UID: t.UID, Participant: t.Participant, Name: t.Name, Source: string(t.Source), Codec: string(t.Codec),
			Channels: t.Channels, Width: t.Width, Height: t.Height,
		})
	}
	for _, h := range holes(f.events) {
		i.Holes = append(i.Holes, holeJSON{h.Track, f.label(h.Track), h.From.Seconds(), h.To.Seconds(), h.Reason})
	}
	i.Timeline = append(i.Timeline, f.events...)
	i.Incomplete = i.Incomplete || len(f.problems) > 0 || len(f.noKey) > 0 || incomplete(f.events)
	if h, ok := cited(i.ResealedFrom); ok && h.State != archive.StateClosed {
		i.Incomplete = true
	}
	return i, nil
}

// showInfo shows it to people, with the timeline if it is short or asked for.
func (e *env) showInfo(i *infoJSON, timeline bool) error {
	quantum := "post-quantum"
	if !i.PostQuantum {
		quantum = "NOT post-quantum: it was sealed to classic keys too"
	}
	rows := [][]string{
		{"recording:", i.ID},
		{"recorded by:", strings.Join(i.Recorder, ", ")},
		{"state:", stateText(archive.State(i.State))},
		{"encryption:", quantum},
		{"objects:", fmt.Sprintf("%d, %s", i.Objects, size(i.Bytes))},
	}
	if i.Opens {
		room := clean(i.Room)
		if room == "" {
			room = "not known: its beginning is not yours to open"
		}
		rows = append(rows,
			[]string{"room:", room},
			[]string{"started:", i.Start.Local().Format("2006-01-02 15:04:05 MST")},
			[]string{"length:", seconds(i.Duration)})
	}
	if i.ResealedFrom != "" {
		rows = append(rows, []string{"resealed from:", clean(citation(i.ResealedFrom))})
	}
	if err := e.table(rows); err != nil {
		return err
	}

	rows = [][]string{{"EPOCH", "SEGMENTS", "KEYS", "OPENS FOR YOU"}}
	for _, ep := range i.Epochs {
		kind := "post-quantum"
		switch {
		case ep.Classic && ep.Hybrid:
			kind = "post-quantum and classic"
		case ep.Classic:
			kind = "classic"
		}
		opens := "no"
		if ep.Opens {
			opens = "yes"
		}
		rows = append(rows, []string{strconv.Itoa(ep.Number), strconv.Itoa(ep.Segments), kind, opens})
	}
	if err := e.section(rows); err != nil {
		return err
	}
	if err := e.showGrants(i.Grants); err != nil {
		return err
	}
	if i.Opens {
		if err := e.showMeeting(i); err != nil {
			return err
		}
		if err := e.showTimeline(i, timeline); err != nil {
			return err
		}
	}
	rows = [][]string{{"NOT READABLE"}}
	for _, m := range i.Missing {
		rows = append(rows, []string{clean(m) + ": is not in the store"})
	}
	for _, p := range i.Problems {
		rows = append(rows, []string{clean(p)})
	}
	if err := e.section(rows); err != nil {
		return err
	}
	switch {
	case i.State == string(archive.StateOpen):
		e.printf("\nThis recording is not complete: it goes on, or its recorder died before the end.\nThe store cannot tell which. Shown is what is there so far.\n")
	case i.Incomplete:
		e.printf("\nThis recording is not complete.\n")
	}
	return nil
}

// showMeeting shows the people, the tracks and the holes.
func (e *env) showMeeting(i *infoJSON) error {
	rows := [][]string{{"PARTICIPANT", "IDENTITY", "FROM", "TO"}}
	for _, p := range i.Participants {
		rows = append(rows, []string{clean(p.Name), clean(p.Identity), seconds(p.From), seconds(p.To)})
	}
	if err := e.section(rows); err != nil {
		return err
	}
	rows = [][]string{{"TRACK", "CODEC", "FORMAT"}}
	for _, t := range i.Tracks {
		format := fmt.Sprintf("%dx%d", t.Width, t.Height)
		if t.Channels > 0 {
			format = count(t.Channels, "channel")
		}
		name := t.Name
		if name == "" {
			name = t.Participant
		}
		rows = append(rows, []string{clean(name + " (" + t.Source + ")"), clean(t.Codec), format})
	}
	if err := e.section(rows); err != nil {
		return err
	}
	rows = [][]string{{"HOLE", "FROM", "TO", "REASON"}}
	for _, h := range i.Holes {
		rows = append(rows, []string{h.Label, seconds(h.From), seconds(h.To), clean(h.Reason)})
	}
	return e.section(rows)
}

// section writes a table with an empty line before it, or nothing if it has
// only its head.
func (e *env) section(rows [][]string) error {
	if len(rows) < 2 {
		return nil
	}
	e.printf("\n")
	return e.table(rows)
}

func seconds(s float64) string { return length(time.Duration(s * float64(time.Second))) }
