"""What an account holds for GitHub Actions: roles, their boundary, and the bootstrap that makes them."""
