package plain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// kinds are how values of flags are written, by the type of their values.
var kinds = map[string]string{
	"int": "a whole number", "uint64": "a whole number of at least 0", "bool": "true or false, or stands alone",
	"duration": "a time with its unit, as 5s or 1m30s",
}

// value says what is wrong with the value of a flag.
func value(f *pflag.Flag, text string, why error) error {
	if kind := kinds[f.Value.Type()]; kind != "" && !errors.Is(why, errTwice) {
		return fmt.Errorf("--%s is %s, not %q", f.Name, kind, text)
	}
	return fmt.Errorf("--%s: %w", f.Name, why)
}

// errTwice says that a flag was given twice.
var errTwice = errors.New("it is given twice")

// one is a value that is set once, or always to the same.
type one struct {
	pflag.Value
	flag  *pflag.Flag
	first *string
}

// once has a flag refuse a second value.
func once(f *pflag.Flag) {
	if _, several := f.Value.(pflag.SliceValue); several {
		return
	}
	if _, before := f.Value.(*one); !before {
		f.Value = &one{Value: f.Value, flag: f}
	}
}

// Set implements pflag.Value.
func (o *one) Set(text string) error {
	if o.first != nil && *o.first != text {
		join := "take one"
		if o.flag.Name == "tag" {
			join = fmt.Sprintf("write one expression: --tag '%s and %s'", *o.first, text)
		}
		return fmt.Errorf("%w, as %q and as %q: %s", errTwice, *o.first, text, join)
	}
	if err := o.Value.Set(text); err != nil {
		return err
	}
	o.first = &text
	return nil
}

// IsBoolFlag says that the flag needs no value.
func (o *one) IsBoolFlag() bool { return strings.HasPrefix(o.Type(), "bool") }
