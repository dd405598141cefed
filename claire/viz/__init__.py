"""Arrays to pictures, figures and the words that describe them; knows nothing of files, networks or Streamlit."""
