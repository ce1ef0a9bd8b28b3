package media

// A Picture is what a frame of a video track says about itself.
type Picture struct {
	// Key reports that the frame decodes without an earlier one.
	Key bool
	// Width and Height are the size in pixels as shown. 0 means that the frame
	// has no size. They may be larger than what can be written: see Fits.
	Width, Height int
	// Private is the track's [Track.Private] from this frame on, empty if the
	// frame brings none.
	Private string
}

// Describe parses a stored video frame (see [Store]). Malformed and unknown
// fields are zero.
func Describe(c Codec, frame []byte) Picture {
	switch c {
	case VP8:
		var p Picture
		p.Width, p.Height, p.Key = VP8Size(frame)
		p.Key = len(frame) > 0 && frame[0]&1 == 0
		return p
	case VP9:
		return describeVP9(frame)
	case H264:
		return describeH264(frame)
	case H265:
		return describeH265(frame)
	case AV1:
		return describeAV1(frame)
	}
	return Picture{}
}

// NeedsPrivate reports whether tracks of the codec cannot be written without
// [Track.Private].
func NeedsPrivate(c Codec) bool { return c == H264 || c == H265 || c == AV1 }

// Store turns a frame from a payload format into the form of a [Frame]: H.264 and
// H.265 from start codes to lengths, other codecs unchanged. It works in frame if
// it can. The result is empty if the frame has no content.
func Store(c Codec, frame []byte) []byte {
	if c != H264 && c != H265 {
		return frame
	}
	return lengthPrefixed(frame)
}

// Smaller reports whether a picture is clearly smaller than another: by more than
// encoders round and crop, in either orientation.
func Smaller(width, height, than, high int) bool {
	return 10*int64(width)*int64(height) < 8*int64(than)*int64(high)
}
