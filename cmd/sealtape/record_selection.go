package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// The shorter side of a picture may be bounded from minVideo to maxVideo pixels.
const (
	minVideo = 90
	maxVideo = 4320
)

// selectionFlags say what of the members' media is wanted.
func selectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "max-video", Usage: "receive pictures no larger than `SIZE`, such as 720p, where they are sent in several sizes", DefaultText: "the largest that are sent"},
		&cli.BoolFlag{Name: "no-video", Usage: "leave out cameras"},
		&cli.BoolFlag{Name: "no-screen", Usage: "leave out shared screens, and their sound"},
		&cli.BoolFlag{Name: "audio-only", Usage: "leave out all pictures"},
	}
}

func parseSelection(c *cli.Context) (s livekit.Selection, err error) {
	s = livekit.Selection{AudioOnly: c.Bool("audio-only"), NoVideo: c.Bool("no-video"), NoScreen: c.Bool("no-screen")}
	if text := c.String("max-video"); text != "" {
		s.MaxVideo, err = strconv.Atoi(strings.TrimSuffix(strings.ToLower(text), "p"))
		if err != nil || s.MaxVideo < minVideo || s.MaxVideo > maxVideo {
			return s, usagef(c, "--max-video is %q, want %dp to %dp, such as 720p", text, minVideo, maxVideo)
		}
		if s.AudioOnly || s.NoVideo && s.NoScreen {
			return s, usagef(c, "--max-video bounds pictures, and the other flags leave all of them out")
		}
	}
	return s, nil
}

// selectionNotice says for the room what is not recorded, "" if all is.
func selectionNotice(s livekit.Selection) string {
	switch {
	case s.AudioOnly && s.NoScreen:
		return "Only microphones are recorded."
	case s.AudioOnly:
		return "Only sound is recorded."
	case s.NoVideo && s.NoScreen:
		return "Cameras and shared screens are not recorded."
	case s.NoVideo:
		return "Cameras are not recorded."
	case s.NoScreen:
		return "Shared screens are not recorded."
	}
	return ""
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

// receivedText says how large a picture came, and how large it was published.
func receivedText(width, height, publishedWidth, publishedHeight int) string {
	return fmt.Sprintf("received %dx%d of %dx%d published", width, height, publishedWidth, publishedHeight)
}
