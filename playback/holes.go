package playback

import "github.com/sealtape/sealtape/recorder/media"

// Holes returns the holes that the events declare; see [media.Holes].
func Holes(events []media.Event) []media.Event { return media.Holes(events) }

// WideHoles returns the holes that make a recording incomplete; see
// [media.WideHoles].
func WideHoles(events []media.Event) []media.Event { return media.WideHoles(events) }

func wideHole(holes []media.Event) bool { return len(media.WideHoles(holes)) > 0 }
