package archive

// WithStep returns c with a function that is called before each durable step.
func (c Config) WithStep(step func(string)) Config {
	c.step = step
	return c
}

// Names for tests outside the package.
var Padded = padded
