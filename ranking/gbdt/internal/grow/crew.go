package grow

import "sync"

// crew runs the parts of a job on several goroutines, which live from start to stop. The
// caller's is one of them. A nil crew, or one of one worker, runs them in order.
type crew struct {
	workers int
	job     func(part int)
	parts   chan int
	done    sync.WaitGroup // parts under way
	gone    sync.WaitGroup // goroutines
}

func (c *crew) start() {
	if c.workers < 2 {
		return
	}
	c.parts = make(chan int, c.workers)
	for range c.workers - 1 {
		c.gone.Go(func() {
			for part := range c.parts {
				c.job(part)
				c.done.Done()
			}
		})
	}
}

func (c *crew) stop() {
	if c.parts != nil {
		close(c.parts)
		c.gone.Wait()
		c.parts = nil
	}
}

// run calls job for 0 to parts-1 and returns when all have.
func (c *crew) run(parts int, job func(part int)) {
	if c.parts == nil || parts < 2 {
		for part := range parts {
			job(part)
		}
		return
	}
	c.job = job
	c.done.Add(parts)
	for part := 0; part < parts; {
		select {
		case c.parts <- part:
			part++
		default: // all are busy: lend a hand
			job(part)
			c.done.Done()
			part++
		}
	}
	for {
		select {
		case part := <-c.parts:
			job(part)
			c.done.Done()
			continue
		default:
		}
		break
	}
	c.done.Wait()
}
