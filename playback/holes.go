package playback

import "github.com/sealtape/sealtape/recorder/media"

// Holes returns the holes that the events declare; see [media.Holes].
func Holes(events []media.Event) []media.Event { return media.Holes(events) }

// WideHoles returns the holes that make a recording incomplete; see
// [media.WideHoles].
func WideHoles(events []media.Event) []media.Event { return media.WideHoles(events) }

func wideHole(holes []media.Event) bool { return len(media.WideHoles(holes)) > 0 }

// reason says in words why something is not there. Only what nobody wanted is missing.
func reason(hole string) string {
	switch hole {
	case media.HoleConsent:
		return "not recorded: no consent"
	case media.HoleUnverified:
		return "not recorded: not verified yet"
	case media.HoleAsleep:
		return "missing: the recorder was asleep"
	case media.HoleTooMany:
		return "missing: too many tracks"
	case media.HoleFault:
		return "missing: a fault in the recorder"
	case media.HoleStart, media.HoleKeyFrame:
		return "waiting for a picture"
	case media.HoleLoss:
		return "missing: lost on the way"
	case media.HoleNoKey:
		return "missing: no key"
	case media.HoleAuth, media.HolePlaintext:
		return "missing: refused"
	case media.HoleReconnect:
		return "missing: the recorder was away"
	case media.HoleStranger:
		return "not received: not a member of the call"
	case media.HoleBandwidth:
		return "missing: no bandwidth"
	case media.HolePaused:
		return "recording paused"
	case media.HoleCodec:
		return "missing: unknown codec"
	case media.HoleFormat:
		return "missing: fits no file"
	case media.HoleSpool:
		return "missing: the recorder's disk was full"
	}
	return "missing"
}
