"""Ways out for messages; each obeys `flows.notify.channels.channel.Channel`."""
