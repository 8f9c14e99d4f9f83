return require "scissl.loop.cqueues_waiter"
