package show

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// worthSaying is how long a picture that came in full may have been smaller before
// info says so: the larger layers of one come late.
const worthSaying = 10 * time.Second

// sizeText says how large the pictures of a track are.
func sizeText(t InfoTrackJSON) string {
	size := fmt.Sprintf("%dx%d", t.Width, t.Height)
	if t.Turned != 0 {
		return fmt.Sprintf("%s, turned by %d°", size, t.Turned)
	}
	switch {
	case t.Width == 0 || t.PublishedWidth == 0:
		return size
	case media.Smaller(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight) && t.Less:
		return ReceivedText(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight) + ", as asked for"
	case t.Source == string(media.Screen):
		return size // of a window that is as large as it was published no more
	case media.Smaller(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight):
		return ReceivedText(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight)
	case t.Smaller >= worthSaying.Seconds():
		return fmt.Sprintf("%s, smaller for %s", size, seconds(t.Smaller))
	}
	return size
}
