"""What people keep of answers: links to share, pins on a board of their own, and answers by mail. All are answered anew, never replayed."""
