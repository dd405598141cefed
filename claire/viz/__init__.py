"""Arrays to pictures and figures; no Streamlit."""
