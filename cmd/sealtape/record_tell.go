package main

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

// recordJSON is what record prints with --json. JSON.md says what its fields mean.
type recordJSON struct {
	ID           string             `json:"id"`
	Duration     float64            `json:"duration"`
	Participants int                `json:"participants"`
	Tracks       int                `json:"tracks"`
	Frames       int64              `json:"frames"`
	Holes        map[string]float64 `json:"holes"`
	Small        []smallJSON        `json:"small"`
	Incomplete   bool               `json:"incomplete"`
	Ended        string             `json:"ended"`
}

// tell reports how the recording went.
func (r *recordConsole) tell(res bot.Result, asJSON bool) error {
	id, rep := res.ID, res.Report
	r.log.Info("recorded", "id", id, "duration", rep.Duration.Round(time.Millisecond), "tracks", rep.Tracks,
		"frames", rep.Frames, "why", rep.Reason)
	if asJSON {
		holes := make(map[string]float64, len(rep.Holes))
		for reason, d := range rep.Holes {
			holes[reason] = d.Seconds()
		}
		if err := r.env.JSON(recordJSON{
			ID: id, Duration: rep.Duration.Seconds(), Participants: rep.Participants, Tracks: rep.Tracks,
			Frames: rep.Frames, Holes: holes, Small: smallPictures(rep.Small), Incomplete: rep.Incomplete, Ended: rep.Reason,
		}); err != nil {
			return err
		}
	}
	if r.env.Log() == nil {
		r.env.Notef("recorded %s of %s: %s, %s", ui.Length(rep.Duration), ui.People(rep.Participants), ui.Count(rep.Tracks, "track"), ui.Clean(rep.Reason))
	}
	for _, p := range rep.Small {
		if r.env.Log() == nil {
			r.env.Warnf("%s: %s", ui.Clean(p.Track.Label()), show.ReceivedText(p.Track.Width, p.Track.Height, p.Width, p.Height))
		} else {
			r.log.Warn("a picture was received smaller than it was published", "track", p.Track.UID,
				"received", fmt.Sprintf("%dx%d", p.Track.Width, p.Track.Height), "published", fmt.Sprintf("%dx%d", p.Width, p.Height))
		}
	}
	if err := explainEnd(rep); err != nil {
		return err
	}
	if !rep.Incomplete {
		return nil
	}
	named := r.env.Log() == nil
	err := ui.ExitWith(ui.ExitIncomplete, fmt.Errorf("the recording is incomplete: %s", missingText(rep, named)))
	return ui.WithHints(err, holeHints(rep, res.Unopened, named)...)
}

// smallJSON is a picture that never came as large as it was published.
type smallJSON struct {
	Track           uint64 `json:"track,string"`
	Label           string `json:"label"`
	Width           int    `json:"width"`
	Height          int    `json:"height"`
	PublishedWidth  int    `json:"published_width"`
	PublishedHeight int    `json:"published_height"`
}

func smallPictures(small []recorder.SmallPicture) []smallJSON {
	all := make([]smallJSON, len(small))
	for i, p := range small {
		all[i] = smallJSON{p.Track.UID, p.Track.Label(), p.Track.Width, p.Track.Height, p.Width, p.Height}
	}
	return all
}
