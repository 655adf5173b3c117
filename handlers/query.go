package handlers

import (
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

// since is the query parameter date; nil: not given.
func since(c *gin.Context) (*time.Time, error) { return dayOf(c, "date", parseSince) }

func dayOf(c *gin.Context, name string, parse func(string) (time.Time, error)) (*time.Time, error) {
	s, given := c.GetQuery(name)
	if !given {
		return nil, nil
	}
	t, err := parse(s)
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// boolean is a query parameter that is true or false; nil: not given.
func boolean(c *gin.Context, name string) (*bool, error) {
	s, given := c.GetQuery(name)
	if !given {
		return nil, nil
	}
	if s != "true" && s != "false" {
		return nil, models.Errorf(models.Invalid, "The query parameter %s must be true or false.", name)
	}
	b := s == "true"
	return &b, nil
}

// number is a query parameter of digits; above most it reads as most, however many digits.
func number(c *gin.Context, name string, otherwise, most int) (int, error) {
	s, given := c.GetQuery(name)
	if !given {
		return otherwise, nil
	}
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, models.Errorf(models.Invalid, "The query parameter %s must be a number, written in digits only.", name)
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > most { // digits only: it can only be out of range
		return most, nil
	}
	return n, nil
}
