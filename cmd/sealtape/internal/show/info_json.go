package show

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// An InfoJSON is what info prints. JSON.md says what its fields mean. Times are seconds
// on the recording clock.
type InfoJSON struct {
	ID           string           `json:"id"`
	State        string           `json:"state"`
	Recorder     []string         `json:"recorded_by"`
	PostQuantum  bool             `json:"post_quantum"`
	Objects      int              `json:"objects"`
	Missing      []string         `json:"missing_objects"`
	Bytes        int64            `json:"bytes"`
	Unlisted     bool             `json:"unlisted,omitempty"`
	Approvers    []string         `json:"approved_by,omitempty"`
	RecorderCard string           `json:"recorder,omitempty"` // set by the caller, which reads cards
	Segments     int              `json:"segments"`
	Epochs       []epochJSON      `json:"epochs"`
	Opens        bool             `json:"opens"`
	Grants       []GrantJSON      `json:"grants"`
	Attachments  []AttachmentJSON `json:"attachments"`
	ResealedFrom string           `json:"resealed_from,omitempty"`
	Imported     *ImportedJSON    `json:"imported,omitempty"`
	Follows      string           `json:"follows,omitempty"`
	FollowsBy    string           `json:"follows_by,omitempty"`
	FollowsToo   string           `json:"follows_too,omitempty"`
	PartOf       string           `json:"part_of,omitempty"`
	Meeting      *MeetingJSON     `json:"meeting,omitempty"` // set by the caller, which looks at the others
	Title        string           `json:"title,omitempty"`
	Room         string           `json:"room,omitempty"`
	Start        *time.Time       `json:"start,omitempty"`
	Duration     *float64         `json:"duration,omitempty"`
	MemberKeys   bool             `json:"member_keys,omitempty"`
	Incomplete   bool             `json:"incomplete"`
	verdictJSON
	Participants []personJSON     `json:"participants"`
	Servers      []serverJSON     `json:"servers,omitempty"`
	Tracks       []InfoTrackJSON  `json:"tracks"`
	Silent       []silentJSON     `json:"silent"`
	Holes        []holeJSON       `json:"holes"`
	Locked       []LockedJSON     `json:"locked"`
	Unreadable   []unreadableJSON `json:"unreadable"`
	Timeline     []media.Event    `json:"timeline"`
	Problems     []string         `json:"problems"`
}

type epochJSON struct {
	Number   int  `json:"number"`
	Segments int  `json:"segments"`
	First    *int `json:"first_segment,omitempty"`
	Last     *int `json:"last_segment,omitempty"`
	Opens    bool `json:"opens"`
	Hybrid   bool `json:"hybrid"`
	Classic  bool `json:"classic"`
	Readers  int  `json:"readers_at_most"`
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
	Turned      int    `json:"turned,omitempty"`
}

// InfoTrackJSON is a track, with what its sender published, if the room's server
// told, and whether without encryption.
type InfoTrackJSON struct {
	trackJSON
	PublishedWidth  int     `json:"published_width,omitempty"`
	PublishedHeight int     `json:"published_height,omitempty"`
	Less            bool    `json:"less_wanted,omitempty"`
	Smaller         float64 `json:"smaller"`
	Plaintext       bool    `json:"plaintext,omitempty"`
}

type holeJSON struct {
	Track  uint64  `json:"track,string"`
	Label  string  `json:"label"`
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Reason string  `json:"reason"`
	Wanted bool    `json:"wanted"`
}

// A LockedJSON is an epoch that is not yours to open.
type LockedJSON struct {
	Epoch int     `json:"epoch"`
	First int     `json:"first_segment"`
	Last  int     `json:"last_segment"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

type unreadableJSON struct {
	Segment int     `json:"segment"`
	From    float64 `json:"from"`
	To      float64 `json:"to"`
	Why     string  `json:"why"`
	Text    string  `json:"text"`
}

// A silentJSON is something that was published and on which nothing was sent.
type silentJSON struct {
	Label       string  `json:"label"`
	Participant string  `json:"participant"`
	From        float64 `json:"from"`
	To          float64 `json:"to"`
}

// A personJSON is someone who was in the room, as the room's server named them.
type personJSON struct {
	Identity   string  `json:"identity"`
	Name       string  `json:"name,omitempty"`
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	Speaking   float64 `json:"speaking"`
	Identified string  `json:"identified"`
	VerifiedAs string  `json:"verified_as,omitempty"`
	VerifiedBy string  `json:"verified_by,omitempty"`

	Agreed []agreementJSON `json:"agreed,omitempty"`
	Faults []string        `json:"note_faults,omitempty"`
}

// A serverJSON is one of several servers from which media came.
type serverJSON struct {
	Name string  `json:"name"`
	Late float64 `json:"late"`
}

// An agreementJSON is a span in which the recorder had somebody's key.
type agreementJSON struct {
	From    float64   `json:"from"`
	To      float64   `json:"to"`
	Name    string    `json:"name"`
	By      string    `json:"signed_by"`
	Signed  time.Time `json:"signed"`
	Readers []string  `json:"readers"`
	Access  string    `json:"access,omitempty"`
}

// InfoOf returns what is told of a recording.
func InfoOf(d *tape.Description) *InfoJSON {
	v := d.Verdict()
	i := &InfoJSON{
		ID: d.ID, State: string(d.State), Recorder: whoSigned(d.Signers), PostQuantum: d.PostQuantum, Objects: d.Objects, Missing: orNone(d.Missing),
		Bytes: d.Bytes, Unlisted: d.Unlisted, Segments: d.Segments, Epochs: []epochJSON{}, Opens: d.Opens != tape.AccessNone, Grants: []GrantJSON{}, Attachments: []AttachmentJSON{},
		ResealedFrom: d.ResealedFrom, Imported: importedOf(d.Imported), Follows: d.Follows, FollowsBy: followsBy(d), FollowsToo: d.FollowsToo, PartOf: d.PartOf, Approvers: approvers(d.Signers), Title: d.Title, Room: d.Room, MemberKeys: d.MemberKeys, Incomplete: v.Incomplete(), verdictJSON: verdictOf(v, d.HolesKnown),
		Participants: []personJSON{}, Tracks: []InfoTrackJSON{}, Silent: []silentJSON{}, Holes: holesJSON(d.Holes), Locked: []LockedJSON{},
		Unreadable: []unreadableJSON{}, Timeline: append([]media.Event{}, d.Events...), Problems: append([]string{}, d.Problems...),
	}
	if !d.Start.IsZero() {
		start, duration := d.Start.UTC(), d.Duration.Seconds()
		i.Start, i.Duration = &start, &duration
	}
	for _, ep := range d.Epochs {
		j := epochJSON{Number: ep.Number, Segments: ep.Segments, Opens: ep.Opens, Hybrid: ep.Hybrid, Classic: ep.Classic}
		if ep.Segments > 0 {
			j.First, j.Last = &ep.First, &ep.Last
		}
		i.Epochs = append(i.Epochs, j)
	}
	for _, p := range d.People {
		j := personJSON{Identity: p.Identity, Name: p.Name, From: p.From.Seconds(), To: p.To.Seconds(), Speaking: p.Speaking.Seconds(),
			Identified: string(p.Identified), VerifiedAs: p.VerifiedAs, VerifiedBy: p.VerifiedBy}
		for _, a := range p.Agreed {
			j.Agreed = append(j.Agreed, agreementJSON{a.From.Seconds(), a.To.Seconds(), a.Name, a.By.Who, a.Signed, orNone(a.Readers), a.Access})
		}
		for _, f := range p.Faults {
			j.Faults = append(j.Faults, f.Text)
		}
		i.Participants = append(i.Participants, j)
	}
	for _, s := range d.Servers {
		i.Servers = append(i.Servers, serverJSON{s.Name, s.Late.Seconds()})
	}
	for _, t := range d.Tracks {
		i.Tracks = append(i.Tracks, InfoTrackJSON{trackOf(t.Track), t.PublishedWidth, t.PublishedHeight, t.Less, t.Smaller.Seconds(), t.Plaintext})
	}
	for _, s := range d.Silent {
		i.Silent = append(i.Silent, silentJSON{s.Label, s.Participant, s.From.Seconds(), s.To.Seconds()})
	}
	for _, l := range d.Locked {
		i.Locked = append(i.Locked, LockedJSON{l.Epoch, l.First, l.Last, l.From.Seconds(), l.To.Seconds()})
	}
	for _, u := range d.Unreadable {
		i.Unreadable = append(i.Unreadable, unreadableJSON{u.Segment, u.From.Seconds(), u.To.Seconds(), string(u.Why), u.Text})
	}
	return i
}

func whoSigned(signers []tape.Signer) []string {
	names := []string{}
	for _, s := range signers {
		names = append(names, s.Who)
	}
	return names
}

// approvers returns by whose approval those count who signed.
func approvers(signers []tape.Signer) []string {
	var names []string
	for _, s := range signers {
		if s.Approver != "" && !slices.Contains(names, s.Approver) {
			names = append(names, s.Approver)
		}
	}
	return names
}

func orNone(names []string) []string { return append([]string{}, names...) }

func trackOf(t media.Track) trackJSON {
	return trackJSON{
		UID: t.UID, Participant: t.Participant, Name: t.Name, Source: string(t.Source), Codec: string(t.Codec),
		Channels: t.Channels, Width: t.Width, Height: t.Height, Turned: t.Turned,
	}
}

func holesJSON(holes []tape.Hole) []holeJSON {
	all := []holeJSON{}
	for _, h := range holes {
		all = append(all, holeJSON{h.Track, ui.Clean(h.Label), h.From.Seconds(), h.To.Seconds(), h.Reason, h.Wanted})
	}
	return all
}
