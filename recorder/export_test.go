package recorder

import "time"

// SetAsleep lets a test's machine sleep. It is called before Record.
func (r *Recorder) SetAsleep(asleep func() time.Duration) { r.asleep = asleep }
